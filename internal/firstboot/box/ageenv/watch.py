"""A deadline that holds whatever happens, and signals that come between steps.

A parent that opens no target forks the run. It passes signals on, kills the run at
the deadline, and ends even if the run cannot die, as in a write to a file system
that is frozen.
"""
import os
import signal
import time

from ageenv.failure import Stopped

MYPY = False
if MYPY:
    from typing import Callable

SIGNALS = signal.SIGHUP, signal.SIGINT, signal.SIGTERM
# How long a run that was asked to end may take to put back what it has changed.
GRACE = 20.0

_asked = [0]


def _note(number: int, _frame: object) -> None:
    _asked[0] = _asked[0] or number


def listen() -> None:
    """From now on a signal is noted; check raises it."""
    for number in SIGNALS:
        signal.signal(number, _note)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def check() -> None:
    """Raise Stopped if a signal has come. Called between steps."""
    if _asked[0]:
        raise Stopped(_asked[0])


def forget() -> None:
    """The signal that has come has been answered."""
    _asked[0] = 0


def sleep(seconds: float) -> None:
    """Sleep, and raise Stopped as soon as a signal comes."""
    until = time.monotonic() + seconds
    while True:
        check()
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.2))


class Died(Exception):
    """The run did not end by itself. killed: at the deadline; else by that signal."""

    def __init__(self, killed: bool, number: int) -> None:
        super().__init__()
        self.killed = killed
        self.number = number


def guard(work: "Callable", seconds: float) -> int:
    """Run work in a child and return its exit code. Raises Died."""
    mask = set(SIGNALS) | {signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, mask)
    # SIGCHLD has to be handled for sigtimedwait to see it.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listen()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, mask)
            code = work()
        finally:
            # Not the parent's handlers at exit.
            os._exit(code)
    listen()
    try:
        return watch(pid, mask, time.monotonic() + seconds)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, mask)


def watch(pid: int, mask: set, until: float) -> int:
    """Wait for the child, pass signals on, and kill it at the deadline."""
    while True:
        left = until - time.monotonic()
        info = signal.sigtimedwait(mask, left) if left > 0 else None
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            if os.WIFSIGNALED(status):
                raise Died(False, os.WTERMSIG(status))
            return os.WEXITSTATUS(status)
        if info is None and until <= time.monotonic():
            break
        if info is not None and info.si_signo in SIGNALS:
            os.kill(pid, info.si_signo)
            until = min(until, time.monotonic() + GRACE)
    os.kill(pid, signal.SIGKILL)
    signal.sigtimedwait({signal.SIGCHLD}, 2)
    os.waitpid(pid, os.WNOHANG)
    raise Died(True, signal.SIGKILL)
