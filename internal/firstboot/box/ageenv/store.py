"""Where the program keeps what is its own: on the disk, and in /run while the disk is full
or read-only.

What a run needs to be safe, its locks and the list of drafts, and what it has to say do
not depend on the disk: files on a tmpfs can be put in place without it.
"""
import errno
import fcntl
import os
import time

from ageenv import root, walk, watch
from ageenv.failure import Failure, show

DISK = b"/var/lib/ageenv"
# It does not survive a boot.
RUN = b"/run/ageenv"
# How long a run waits for another one.
PATIENCE = 120.0
OPEN = os.O_RDWR | os.O_CREAT
# What a disk answers that cannot be written.
UNWRITABLE = errno.ENOSPC, errno.EDQUOT, errno.EROFS


def make(path: bytes = DISK) -> walk.Place:
    """Return one of the two directories, made if it is missing: root's, 0700."""
    above = walk.parent(path, make=True)
    try:
        try:
            os.close(walk.new_directory(above.fd, walk.base(path)))
        except FileExistsError:
            pass
        place = walk.directory(path)
    finally:
        above.close()
    if not root.trusted(place.st):
        place.close()
        raise OSError(errno.EPERM, "")
    return place


def open_in(path: bytes, name: bytes, flags: int = OPEN) -> int:
    """Open a file in one of the two directories. Raises Failure or OSError."""
    place = make(path)
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=place.fd)
    finally:
        place.close()


def open_lock(name: bytes) -> int:
    """Open a file to lock it. One on a disk that cannot be written will do, if it is there."""
    for path, flags in (DISK, OPEN), (DISK, os.O_RDONLY), (RUN, OPEN):
        try:
            return open_in(path, name, flags)
        except (OSError, Failure):
            pass
    raise Failure(8, "write", "neither %s nor %s can be made or written: disk full, or read-only?" % (show(DISK), show(RUN)))


def lock(name: bytes, patience: float = PATIENCE) -> "int | None":
    """Take a lock that is held until this process ends or closes it.

    None: another process holds it, for longer than patience.
    """
    fd = open_lock(name)
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(fd)
                return None
            watch.sleep(0.1)
