"""The ways by which a process may reach the metadata service, tried without asking it
for anything.

This module's text also runs by itself in another unit: it imports nothing of this
package.
"""
import os

MYPY = False
if MYPY:
    from socket import socket as Socket

ADDRESS, PORT = "169.254.169.254", 80
# A port that only systemd's fence closes, and an address that no fence closes.
DISCARD, NEIGHBOR = 9, "169.254.169.253"
NOBODY = 65534
# Seconds that a connection may take: where packets are dropped, and where they are not.
SHORT, LONG = 0.5, 5.0
EACCES, ECONNREFUSED, EINPROGRESS = 13, 111, 115
SO_BINDTODEVICE = 25
CLONE_NEWNET = 0x40000000
PLAIN = "plain"


class Told:
    """What a process has found.

    tried: whether it could try. fenced: whether systemd's fence is around it. routed:
    whether the routing rules hold for it. answered: the ways by which the service
    answers. silent: those by which packets are sent and no answer comes.
    """

    def __init__(self, line: str) -> None:
        words = line.split()
        self.tried = len(words) == 4
        fenced, routed, answered, silent = words if self.tried else ["0", "0", "-", "-"]
        self.fenced, self.routed = fenced == "1", routed == "1"
        self.answered, self.silent = [[name for name in ways.split("/") if name != "-"] for ways in (answered, silent)]

    def is_open(self) -> bool:
        """Report whether it reaches the service, or may."""
        return not self.tried or bool(self.answered or self.silent)


def open_socket(kind: int, device: bytes) -> "Socket | None":
    """Return a socket that is bound to a device, or to none if that is empty; None if
    that is not allowed."""
    # The module socket takes 5 ms more to import.
    import _socket
    s = _socket.socket(_socket.AF_INET, kind)  # type: Socket # type: ignore
    s.setblocking(False)
    try:
        if device:
            s.setsockopt(_socket.SOL_SOCKET, SO_BINDTODEVICE, device + b"\0")
        return s
    except OSError:
        s.close()
        return None


def sends(device: bytes, address: str = ADDRESS, port: int = PORT) -> bool:
    """Report whether a datagram can be sent. Where packets are dropped it cannot."""
    import _socket
    s = open_socket(_socket.SOCK_DGRAM, device)
    if s is None:
        return False
    try:
        s.sendto(b"\0", (address, port))
        return True
    except OSError:
        return False
    finally:
        s.close()


def is_fenced() -> bool:
    """Report whether systemd's fence is around this process: it drops what is sent to
    any port, even by the loopback device, and it is no firewall that does."""
    return not sends(b"lo", ADDRESS, DISCARD) and sends(b"lo", NEIGHBOR, DISCARD)


def attempt(quick: bool) -> tuple:
    """Try a plain socket, and one bound to each device. Returns whether the routing rules
    hold, and the ways as Told has them. quick: a connection is not waited for where
    packets are dropped."""
    import _socket
    routed, answered, silent, waiting = False, [], [], {}
    devices = [os.fsencode(name) for _, name in _socket.if_nameindex() if name != "lo"]
    for device in [b""] + devices:
        name = os.fsdecode(device) or PLAIN
        sent = sends(device)
        s = open_socket(_socket.SOCK_STREAM, device)
        if s is None:
            continue
        code = s.connect_ex((ADDRESS, PORT))
        if code == 0:
            answered.append(name)
        elif code == EINPROGRESS and (sent or not quick):
            waiting[s.fileno()] = name, s
            silent += [name] if sent else []
        elif name == PLAIN:
            routed = code == EACCES
    if not devices and sends(b"lo"):
        # Nobody answers there, but it is there before there is a network.
        silent.append("lo")
    for name, code in wait(waiting, LONG if silent else SHORT):
        if code == 0:
            answered.append(name)
        # What refuses a connection is there. Other errors come from what is on the way.
        if name in silent and code != ECONNREFUSED:
            silent.remove(name)
    return routed, answered, silent


def wait(waiting: dict, seconds: float) -> list:
    """Wait for connections. Returns names and error codes of those that came to an end."""
    import _socket
    import select
    import time
    poll, ended = select.poll(), []
    for fd in waiting:
        poll.register(fd, select.POLLOUT)
    until = time.monotonic() + seconds
    while waiting and time.monotonic() < until:
        for fd, _ in poll.poll(max(0, until - time.monotonic()) * 1000):
            name, s = waiting.pop(fd)
            poll.unregister(fd)
            code = s.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
            ended.append((name, code))
            if code == 0:
                # The others would answer as fast.
                until = min(until, time.monotonic() + SHORT)
    return ended


def move(group: str, network: int) -> None:
    """Move into a control group, and into the network of a process. Raises OSError."""
    fd = os.open("/proc/%d/ns/net" % network, os.O_RDONLY | os.O_CLOEXEC) if network else -1
    if group:
        joined = os.open(group + "/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        os.write(joined, b"0")
        os.close(joined)
    if network:
        import ctypes
        if ctypes.CDLL(None).setns(fd, CLONE_NEWNET):
            raise OSError(0, "")
        os.close(fd)


def look(uid: int, quick: bool) -> str:
    """Become another user, try, and return a line that Told reads."""
    fenced = is_fenced()
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    routed, answered, silent = attempt(quick)
    return "%d %d %s %s\n" % (fenced, routed, "/".join(answered) or "-", "/".join(silent) or "-")


class Attempt:
    """A process that tries, while others do the same."""

    def __init__(self, uid: int, quick: bool = False, group: str = "", network: int = 0) -> None:
        self.uid = uid
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(reading)
                move(group, network)
                os.write(writing, look(uid, quick).encode())
            except BaseException:
                pass
            finally:
                os._exit(0)
        os.close(writing)
        self.reading = reading

    def line(self) -> str:
        """Return what it has found, as Told reads it. Empty: it could not try, as in a
        group that is frozen."""
        import select
        import time
        poll = select.poll()
        poll.register(self.reading, select.POLLIN)
        line = os.read(self.reading, 1 << 16) if poll.poll((LONG + 3) * 1000) else b""
        os.close(self.reading)
        if not line:
            try:
                os.kill(self.pid, 9)
            except OSError:
                pass
        for _ in range(100):
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                break
            time.sleep(0.01)
        return line.decode("utf-8", "surrogateescape")


def print_lines(uids: tuple) -> None:
    """Print what each user finds, a line for each."""
    for attempted in [Attempt(uid) for uid in uids]:
        print(attempted.line().strip() or "-")
