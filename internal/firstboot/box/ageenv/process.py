"""Other programs: started with pipes, bounded in time and in what they print."""
import fcntl
import os
import select
import signal
import time

from ageenv import watch

CANNOT_RUN, TOO_LONG = 127, 124
TURN = 0.2


class Result:
    """How a program ended. code: its exit code, 128 + a signal, CANNOT_RUN or TOO_LONG."""

    def __init__(self, code: int, out: bytes) -> None:
        self.code = code
        self.out = out


def which(name: str) -> "str | None":
    """Look a program up in PATH."""
    for directory in os.environ["PATH"].split(":"):
        path = directory + "/" + name
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def run(argv: list, stdin: bytes = b"", timeout: float = 60, limit: int = 1 << 20, feed: "dict | None" = None,
        cwd: "int | None" = None, uid: "int | None" = None, errors: bool = False, show: bool = False) -> Result:
    """Run a program and return what it printed.

    stdin and feed (descriptor number to bytes) are written to pipes. More than limit
    bytes of output end the program. errors: standard error counts as output, too.
    show: output is not collected but printed where this program prints. cwd is the
    descriptor of a directory. Raises Stopped if this run is asked to end meanwhile.
    """
    program = argv[0] if "/" in argv[0] else which(argv[0])
    if program is None:
        return Result(CANNOT_RUN, b"")
    inputs, ours, theirs = {0: stdin}, {}, {}
    inputs.update(feed or {})
    for number, data in inputs.items():
        theirs[number], write_end = os.pipe()
        os.set_blocking(write_end, False)
        ours[write_end] = memoryview(data)
    out_end, theirs[1] = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(program, argv, theirs, cwd, uid, errors, show)
    for fd in theirs.values():
        os.close(fd)
    try:
        return Result(*converse(pid, ours, out_end, time.monotonic() + timeout, limit))
    finally:
        os.close(out_end)
        for fd in ours:
            os.close(fd)


def child(program: str, argv: list, fds: dict, cwd: "int | None", uid: "int | None", errors: bool, show: bool) -> None:
    """Become the program. Never returns."""
    try:
        os.setpgid(0, 0)
        for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        high = {number: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64) for number, fd in fds.items()}
        for number, fd in high.items():
            if number == 1 and show:
                continue
            os.dup2(fd, number)
        if errors:
            os.dup2(1, 2)
        elif not show:
            os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        if cwd is None:
            os.chdir("/")
        else:
            os.fchdir(cwd)
        if uid is not None:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        os.execve(program, argv, os.environ)
    except BaseException:
        pass
    finally:
        os._exit(CANNOT_RUN)


def converse(pid: int, ours: dict, out_end: int, until: float, limit: int) -> tuple:
    """Feed a program and collect what it prints, until it ends."""
    out, size = [], 0
    poll = select.poll()
    poll.register(out_end, select.POLLIN)
    for fd in ours:
        poll.register(fd, select.POLLOUT)
    try:
        while True:
            for fd, event in poll.poll(TURN * 1000):
                if fd != out_end:
                    feed_one(poll, ours, fd)
                    continue
                part = os.read(out_end, 1 << 16)
                size += len(part)
                if size > limit:
                    return CANNOT_RUN, b""
                out.append(part)
                if not part:
                    poll.unregister(out_end)
                    return wait(pid, until), b"".join(out)
            # Something that it has left running may hold its output open.
            if ended(pid):
                return status(pid), b"".join(out) + rest(out_end, limit)
            if time.monotonic() > until:
                return TOO_LONG, b""
            watch.check()
    finally:
        end(pid)


def feed_one(poll: "select.poll", ours: dict, fd: int) -> None:
    """Write some of what a pipe is to get; close it at its end or when nobody reads."""
    try:
        ours[fd] = ours[fd][os.write(fd, ours[fd][:1 << 16]):] if ours[fd] else None
    except BlockingIOError:
        return
    except OSError:
        ours[fd] = None
    if not ours[fd]:
        poll.unregister(fd)
        os.close(fd)
        del ours[fd]


def rest(fd: int, limit: int) -> bytes:
    """Return what is in a pipe now."""
    os.set_blocking(fd, False)
    try:
        return os.read(fd, limit)
    except BlockingIOError:
        return b""


def ended(pid: int) -> bool:
    """Report whether a program has ended. Its number is not free yet."""
    info = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return info is not None


def status(pid: int) -> int:
    """Return the exit code of a program that has ended. Its number stays taken."""
    info = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert info is not None
    return info.si_status if info.si_code == os.CLD_EXITED else 128 + info.si_status


def wait(pid: int, until: float) -> int:
    """Wait for the end of a program that prints no more."""
    pause = 0.0005
    while not ended(pid):
        if time.monotonic() > until:
            return TOO_LONG
        watch.check()
        time.sleep(pause)
        pause = min(2 * pause, TURN)
    return status(pid)


def end(pid: int) -> None:
    """End a program, and what it has started in its group, and free its number."""
    try:
        if not ended(pid):
            os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
    # In an uninterruptible wait it cannot die: it is left to itself.
    for _ in range(20):
        done, _status = os.waitpid(pid, os.WNOHANG)
        if done:
            return
        time.sleep(0.05)
