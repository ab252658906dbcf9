# What a caller on the box gets from the metadata service, by a plain socket and by one that is bound to each device:
#
#     try.py CALLER [PORT]          tries now
#     try.py --keep CALLER FOLDER [PORT]
#                                   connects now; when FOLDER/go is there it asks by these connections, and then by new
#                                   ones from the same unit, and prints both
#
# It prints a line for each way: CALLER WAY open|closed.
import os
import socket
import sys
import time

SO_BINDTODEVICE = 25
PATIENCE = 1.5


def connect(device, port):
    s = socket.socket()
    s.settimeout(PATIENCE)
    try:
        if device:
            s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode() + b"\0")
        s.connect(("169.254.169.254", port))
        return s
    except OSError:
        return None


def ask(s):
    if s is None:
        return "closed"
    try:
        s.sendall(b"GET /v1.json HTTP/1.0\r\n\r\n")
        return "open" if s.recv(16) else "closed"
    except OSError:
        return "closed"


def ways():
    return [("plain", "")] + [("bound", name) for _, name in socket.if_nameindex() if name == "mv0" or name.startswith("eth")]


def tell(caller, results):
    print("".join("%s %s %s\n" % (caller, way, result) for way, result in results), end="", flush=True)


if sys.argv[1] == "--keep":
    caller, folder = sys.argv[2:4]
    port = int(sys.argv[4]) if len(sys.argv) > 4 else 80
    kept = [(way, connect(device, port)) for way, device in ways()]
    open(folder + "/kept." + caller, "w").close()
    while not os.path.exists(folder + "/go"):
        time.sleep(0.05)
    tell("kept-" + caller, [(way, ask(s)) for way, s in kept])
    tell("old-" + caller, [(way, ask(connect(device, port))) for way, device in ways()])
else:
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 80
    tell(sys.argv[1], [(way, ask(connect(device, port))) for way, device in ways()])
