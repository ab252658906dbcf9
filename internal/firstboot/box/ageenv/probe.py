"""Whether the metadata service is closed, as somebody finds who tries."""
import sys

from ageenv import process, ways
from ageenv.ways import NOBODY, Attempt, Told

# It reads its text from a pipe: no file has a name that others could see.
RUN = "import sys; exec(sys.stdin.read())"
# A group of systemd's that runs since before anything else.
INIT = "/sys/fs/cgroup/init.scope"


def source() -> str:
    """Return the text of the module that tries."""
    loader = getattr(ways.__spec__, "loader")
    return str(loader.sources[ways.__name__] if hasattr(loader, "sources") else loader.get_source(ways.__name__))


def in_new_unit(uids: tuple, *options: str) -> list:
    """Return what these users find in a new unit, in order."""
    run = ["systemd-run", "--quiet", "--collect", "--pipe", "--wait"] + list(options) + ["--", sys.executable, "-I", "-S", "-c", RUN]
    out = process.run(run, ("%s\nprint_lines(%r)\n" % (source(), uids)).encode(), 30).out.decode("utf-8", "surrogateescape")
    return [Told(line) for line in (out.splitlines() + [""] * len(uids))[:len(uids)]]


def everywhere() -> list:
    """Return what another user finds in this process's unit, in one that ran before, and
    in a new one: pairs of where and Told."""
    running = [("a unit that runs", Attempt(NOBODY)), ("init.scope", Attempt(NOBODY, group=INIT))]
    found = [("a new unit", in_new_unit((NOBODY,))[0])]
    return [(where, Told(attempt.line())) for where, attempt in running] + found


def names(found: list) -> str:
    """Return the ways as text."""
    return ", ".join("a plain socket" if way == ways.PLAIN else "a socket bound to " + way for way in found)
