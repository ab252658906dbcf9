# How long another user can read a copy of the script, at a boot: looks every 5 ms and prints, for each file, when it was
# seen with an identity in it for the first time and for the last, in seconds since the kernel started.
import glob
import signal
import sys
import time

seen = {}
over = []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
while not over:
    for path in glob.glob("/run/cloud-init/*.json") + glob.glob("/var/log/cloud-init*.log"):
        try:
            with open(path, "rb") as f:
                if b"AGE-SECRET-KEY-1" not in f.read():
                    continue
        except OSError:
            continue
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        seen[path] = seen.get(path, (now,))[0], now
    time.sleep(0.005)
for path, (first, last) in sorted(seen.items()):
    print("boot %s: %s is readable for %.2f s" % (open("/test/boot").read().strip(), path, last - first))
sys.stdout.flush()
