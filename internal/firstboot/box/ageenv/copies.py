"""cloud-init's copies of what it was given, of which Debian 12 shows some to everybody.

cloud-init writes some of them again at each boot, so they are made root's alone again
after each of its stages.
"""
import os
import stat

from ageenv import root, walk

TEMPORARY = b"/tmp"
LOG, EXECUTED = b"firstboot.log", b"firstboot.exec"


def tighten() -> None:
    """Take the copies from everybody but root, and remove the image's own copy of the
    script."""
    tighten_files(b"/run/cloud-init", 0)
    tighten_files(b"/var/log", 0, b"cloud-init")
    tighten_files(b"/var/lib/cloud/instances", 3)
    try:
        place = walk.directory(TEMPORARY)
    except OSError:
        return
    # By name: a user can fill this directory without end.
    try:
        tighten_file(place.fd, LOG)
    except OSError:
        pass
    try:
        os.unlink(EXECUTED, dir_fd=place.fd)
    except OSError:
        pass
    finally:
        place.close()


def tighten_files(path: bytes, depth: int, prefix: bytes = b"") -> None:
    """Tighten the files of a directory whose names begin with prefix, and of those below
    it down to a depth."""
    try:
        place = walk.directory(path)
    except OSError:
        return
    try:
        fd = os.open(b".", walk.LIST, dir_fd=place.fd)
    finally:
        place.close()
    descend(fd, depth, prefix)


def descend(fd: int, depth: int, prefix: bytes) -> None:
    """Tighten the files of an open directory, and close it."""
    try:
        for name in map(os.fsencode, os.listdir(fd)):
            if name.startswith(prefix):
                try:
                    tighten_name(fd, name, depth)
                except OSError:
                    # It has gone meanwhile, or cannot be changed: what else is there is tightened.
                    pass
    except OSError:
        pass
    finally:
        os.close(fd)


def tighten_name(fd: int, name: bytes, depth: int) -> None:
    """Tighten what has a name in an open directory. Raises OSError."""
    st = os.stat(name, dir_fd=fd, follow_symlinks=False)
    if stat.S_ISDIR(st.st_mode) and depth:
        descend(os.open(name, walk.LIST, dir_fd=fd), depth - 1, b"")
    elif stat.S_ISREG(st.st_mode) and st.st_mode & 0o077:
        tighten_file(fd, name)


def tighten_file(at: int, name: bytes) -> None:
    """Make a file root's alone, if it is root's and has no other name."""
    place = walk.look(at, name)
    if place is None:
        return
    try:
        st = place.st
        if not stat.S_ISREG(st.st_mode) or st.st_uid != root.UID or st.st_nlink != 1:
            return
        fd = walk.reopen(place.fd)
        try:
            os.fchmod(fd, stat.S_IMODE(st.st_mode) & 0o700)
        finally:
            os.close(fd)
    finally:
        place.close()
