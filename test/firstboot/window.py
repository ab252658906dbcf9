# How long another user can read the script at a boot: looks every 5 ms for a copy with an identity in it, and asks the
# metadata service, by a plain socket and by one that is bound to each device. Prints for each when it was seen for the
# first time, in seconds since this began, which is at the start of the boot, and for how long.
import glob
import signal
import socket
import threading
import time

SO_BINDTODEVICE = 25
seen = {}
over = []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
start = time.monotonic()


def note(what):
    now = time.monotonic() - start
    seen[what] = seen.get(what, (now,))[0], now


def answers(device):
    with socket.socket() as s:
        s.settimeout(0.3)
        try:
            if device:
                s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode() + b"\0")
            s.connect(("169.254.169.254", 80))
            s.sendall(b"GET /v1.json HTTP/1.0\r\n\r\n")
            return bool(s.recv(16))
        except OSError:
            return False


def ask(way):
    while not over:
        for device in [name for _, name in socket.if_nameindex() if name.startswith("eth")] if way == "bound" else [""]:
            if answers(device):
                note("the metadata service by a %s socket" % way)
        time.sleep(0.02)


for way in "plain", "bound":
    threading.Thread(target=ask, args=(way,), daemon=True).start()
while not over:
    for path in glob.glob("/run/cloud-init/*.json") + glob.glob("/var/log/cloud-init*.log"):
        try:
            with open(path, "rb") as f:
                if b"AGE-SECRET-KEY-1" in f.read():
                    note(path)
        except OSError:
            continue
    time.sleep(0.005)
boot = open("/test/boot").read().strip()
for what, (first, last) in sorted(seen.items()):
    print("boot %s: %s is readable from %.2f s on for %.2f s" % (boot, what, first, last - first))
print("boot %s: watched for %.2f s" % (boot, time.monotonic() - start), flush=True)
