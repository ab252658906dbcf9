"""Runs a startup script's program as the script does, with strace on the process that
does the work and on no other: a count of calls is then the same in each run.

    python3 -I -S traced.py SCRIPT STRACE ARGUMENT...
"""
import os
import sys
import time

text = open(sys.argv[1], "rb").read()
body = text[text.index(b"<<'.END'\n") + 9:text.rindex(b"\n.END\n") + 1]
sections = body.split(b"\n.\n")
tracer = sys.argv[2:]
# No private directory is to be removed.
sys.argv[1:] = [""]
fork = os.fork


def traced_fork():
    """The first fork makes the process that does the work."""
    os.fork = fork
    pid = fork()
    if pid:
        return pid
    me = os.getpid()
    middle = fork()
    if middle == 0:
        if fork() == 0:
            os.execv(tracer[0], tracer + ["-p", str(me)])
        os._exit(0)
    os.waitpid(middle, 0)
    status = os.open("/proc/self/status", os.O_RDONLY)
    while b"TracerPid:\t0\n" in os.pread(status, 4096, 0):
        time.sleep(0.002)
    os.close(status)
    time.sleep(0.01)
    return 0


os.fork = traced_fork
exec(compile(sections[0], "ageenv", "exec"), {"sections": sections, "__name__": "__main__"})
