"""Where the identity that opens the payloads comes from."""
import os
import stat
import time

from ageenv import drafts, process, root, walk, watch
from ageenv.failure import Failure, Waiting, say, show
from ageenv.plan import Plan

KEPT = b"/var/lib/ageenv/identity"
# Of an identity file, and of what a command prints.
LIMIT = 64 << 10
SECONDS = 60


def kept() -> bytes:
    """Return the identity that travelled, as an earlier run has kept it."""
    try:
        identity = walk.read(KEPT, LIMIT)
    except OSError:
        identity = None
    if identity is None:
        raise Failure(9, "identity-missing", "%s cannot be read" % show(KEPT))
    return identity


def obtain(plan: Plan, travels: "bytes | None") -> bytes:
    """Return the identity. travels: what was in the script, at the first boot.

    Raises Waiting where an identity file is not there yet, and Failure.
    """
    if plan.identity == "travels":
        return kept() if travels is None else travels
    identity = read_file(plan, patient=travels is None) if plan.identity == "file" else ask(plan)
    if not well_formed(identity):
        raise Failure(9, "identity-malformed", "what %s gives is not an age identity" % plan.identity_name())
    return identity


def read_file(plan: Plan, patient: bool) -> bytes:
    """Read the identity file, and take it from others.

    patient: a path unit starts this when the file appears, and whoever writes it may
    not have finished.
    """
    until = time.monotonic() + (10 if patient else 0)
    while True:
        identity = read_once(plan)
        if well_formed(identity) or time.monotonic() >= until:
            return identity
        watch.sleep(1)


def read_once(plan: Plan) -> bytes:
    """Read the identity file as it is now."""
    name = plan.identity_name()
    try:
        place = walk.walk(plan.identity_file)
    except (FileNotFoundError, NotADirectoryError):
        raise Waiting(9, "identity-missing", "%s is not there: the files are dropped when it appears" % name)
    try:
        st = place.st
        if not stat.S_ISREG(st.st_mode) or st.st_nlink != 1:
            raise Failure(9, "identity-open", "%s is not a regular file with one name: it is not touched" % name)
        if st.st_size > LIMIT:
            raise Failure(9, "identity-malformed", "%s is larger than an identity file" % name)
        fd = walk.reopen(place.fd)
        try:
            take(fd, name)
            return walk.read_open(fd, LIMIT)
        finally:
            os.close(fd)
    except OSError:
        raise Failure(9, "identity-open", "%s cannot be read, or cannot be made root's" % name)
    finally:
        place.close()


def take(fd: int, name: str) -> None:
    """Make an open file root's alone."""
    st = os.fstat(fd)
    if st.st_uid != root.UID:
        os.fchown(fd, root.UID, root.GID)
    if walk.has_access_list(fd):
        walk.drop_access_lists(fd)
        st = os.fstat(fd)
    if st.st_mode & 0o077:
        os.fchmod(fd, stat.S_IMODE(st.st_mode) & 0o700)
        say("%s could be read by others: its mode is now 0600 or less" % name)


def ask(plan: Plan) -> bytes:
    """Run the identity command. What it says is not shown: it may be the identity."""
    got = process.run(["/bin/sh", "-c", plan.identity_command.encode()], timeout=root.seconds(SECONDS), limit=LIMIT)
    if got.code == process.TOO_LONG:
        raise Failure(9, "identity-command", "the identity command took more than %d seconds" % SECONDS)
    if got.code:
        raise Failure(9, "identity-command", "the identity command ended with code %d" % got.code)
    return got.out


def well_formed(identity: bytes) -> bool:
    """Report whether there is a key and nothing that is none. Whether it is the right
    one shows when it is used."""
    found = False
    for line in identity.split(b"\n"):
        if line.startswith(b"AGE-SECRET-KEY-"):
            if line.strip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"):
                return False
            found = True
        elif line and not line.startswith(b"#"):
            return False
    return found


def keep(identity: bytes) -> None:
    """Keep an identity that travelled, for later boots."""
    drafts.write(KEPT, identity)
