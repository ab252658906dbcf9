"""How a run fails, and what it says."""
import os

# Printed before each message: the script's name and a colon, or nothing.
label = ""


class Failure(Exception):
    """A run that cannot go on. code and reason are those of the guide "On the box"."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message


class Waiting(Failure):
    """Something is missing that may still come: the run is tried again."""


class Superseded(Exception):
    """A newer startup script has replaced the plan that this run is about."""


class Stopped(Failure):
    """A signal asked the run to end."""

    def __init__(self, number: int) -> None:
        names = {1: "SIGHUP", 2: "SIGINT", 15: "SIGTERM"}
        super().__init__(128 + number, "signal", "ended by %s" % names.get(number, str(number)))


def show(path: bytes) -> str:
    """Return a path as text."""
    return path.decode("utf-8", "replace")


def say(message: str) -> None:
    """Print a line on standard error. A log that is closed does not end the run."""
    write(2, "ageenv: %s%s\n" % (label, message))


def write(fd: int, text: str) -> None:
    """Print text. A log that is closed does not end the run."""
    try:
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(fd, data):]
    except OSError:
        pass


def where(error: BaseException) -> str:
    """Return type, module and line of an unexpected error, and nothing that it quotes."""
    trace = error.__traceback__
    at = "?"
    while trace is not None:
        frame = trace.tb_frame
        at = "%s:%d" % (frame.f_globals.get("__name__", "?"), trace.tb_lineno)
        trace = trace.tb_next
    number = getattr(error, "errno", None)
    return "%s%s at %s" % (type(error).__name__, " %d" % number if isinstance(number, int) else "", at)
