"""The directory that all paths are below, and whose files are trusted."""
import os
import stat

# A prefix for every path, for tests and demonstrations, like systemd's --root=.
R = os.fsencode(os.environ.get("AGEENV_ROOT", "")).rstrip(b"/")
# The owner of the program's own files.
UID = os.geteuid() if R else 0
GID = os.getegid() if R else 0

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def set_path() -> None:
    """Set PATH for the programs that are started."""
    os.environ["PATH"] = os.environ.get("AGEENV_PATH", PATH) if R else PATH
    os.environ["LC_ALL"] = "C"
    for name in "TMPDIR", "TMPPREFIX":
        os.environ.pop(name, None)


def seconds(usual: float) -> float:
    """Return how long a program may take. Tests below a prefix have less time."""
    return float(os.environ.get("AGEENV_SECONDS", usual)) if R else usual


def trusted(st: os.stat_result) -> bool:
    """Report whether root owns it."""
    return st.st_uid in (0, UID)


def closed(st: os.stat_result) -> bool:
    """Report whether root alone can write it.

    Where there is an access list, the group's bits are its mask, so they count for
    every user that the list names.
    """
    return trusted(st) and not stat.S_IMODE(st.st_mode) & 0o022


def systemd() -> bool:
    """Report whether systemctl is to be called.

    Below a prefix it would reach the machine's own systemd, unless the socket of
    another is there.
    """
    return not R or os.path.exists(R + b"/run/systemd/private")
