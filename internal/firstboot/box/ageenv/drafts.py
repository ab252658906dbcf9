"""Drafts: what is written next to a target before it takes the target's name.

Every draft is noted, in a list that root alone can read, before it is made. A later
run removes what is on the list, and nothing else. The names are random, so that
nobody can have something ready under them.
"""
import errno
import fcntl
import os
import stat

from ageenv import root, store, walk
from ageenv.failure import Failure

LIST = b"drafts"
PREFIX = b".ageenv."
NAME_BYTES = len(PREFIX) + 16
# More than any directory of the plan has.
MOST = 20000
# Of the list, in bytes.
LIMIT = 16 << 20


def new_name() -> bytes:
    """Return a name that nothing shows beforehand."""
    return PREFIX + "".join("%02x" % byte for byte in os.urandom(8)).encode()


def is_draft(name: bytes) -> bool:
    """Report whether a name is one that new_name makes."""
    return len(name) == NAME_BYTES and name.startswith(PREFIX) and not name[len(PREFIX):].strip(b"0123456789abcdef")


def note(paths: list) -> None:
    """Put paths on the list, and the list on the disk."""
    append(b"".join(path + b"\n" for path in paths))


def note_directory(path: bytes, st: os.stat_result) -> None:
    """Put a directory on the list by its inode: only then are its files removed with it.

    Whoever owns the directory above could have given the name to another one.
    """
    append(b"%s\t%s\n" % (path, inode(st)))


def append(text: bytes) -> None:
    """Add lines to the list, and wait for the disk. Where that cannot be written, they are
    added to a list in /run, which survives everything but the end of the boot."""
    for path in store.DISK, store.RUN:
        try:
            fd = store.open_in(path, LIST, store.OPEN | os.O_APPEND)
        except (OSError, Failure):
            continue
        try:
            # What an earlier try has begun ends here.
            walk.write_all(fd, b"\n" + text)
            os.fsync(fd)
            return
        except OSError:
            pass
        finally:
            os.close(fd)
    raise OSError(errno.ENOSPC, "")


class Drafting:
    """As long as it is entered, no other process removes drafts."""

    def __enter__(self) -> None:
        self.fd = store.open_lock(LIST)
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


def sweep() -> None:
    """Remove the drafts that earlier runs have left, unless another process is drafting:
    that one does it at its end.

    What cannot be removed, as on a disk that is read-only today, stays on the list.
    """
    try:
        held = store.open_lock(LIST)
    except Failure:
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in store.DISK, store.RUN:
            if walk.read(path + b"/" + LIST, LIMIT):
                fd = store.open_in(path, LIST)
                try:
                    remove_listed(fd)
                finally:
                    os.close(fd)
    except (OSError, Failure):
        pass
    finally:
        os.close(held)


def remove_listed(fd: int) -> None:
    """Remove the drafts of the list that is open."""
    listed = walk.read_open(fd, LIMIT)
    kept, inodes = [], {}  # type: list, dict
    for line in listed.split(b"\n"):
        path, _, noted = line.partition(b"\t")
        if is_draft(walk.base(path)):
            inodes.setdefault(path, set()).add(noted)
    for path in inodes:
        try:
            remove(path, inodes[path])
        except FileNotFoundError:
            pass
        except (OSError, Failure):
            kept += [path + (b"\t" + noted if noted else b"") + b"\n" for noted in inodes[path]]
    left = b"".join(kept)
    # Never shorter than what is still to be removed: the new text first.
    if len(left) < len(listed) and os.pwrite(fd, left, 0) == len(left):
        os.ftruncate(fd, len(left))


def remove(path: bytes, inodes: set) -> None:
    """Remove a draft. Raises OSError."""
    above = walk.parent(path)
    try:
        remove_at(above.fd, walk.base(path), inodes)
    finally:
        above.close()


def remove_at(at: int, name: bytes, inodes: set) -> None:
    """Remove a name, which is no symlink's target: a file, an empty directory, or a
    directory of files that is one of inodes, as in the list."""
    st = os.stat(name, dir_fd=at, follow_symlinks=False)
    if not stat.S_ISDIR(st.st_mode):
        os.unlink(name, dir_fd=at)
        return
    if inode(st) in inodes:
        fd = os.open(name, walk.LIST, dir_fd=at)
        try:
            if walk.same(os.fstat(fd), st):
                empty(fd)
        finally:
            os.close(fd)
    os.rmdir(name, dir_fd=at)


def inode(st: os.stat_result) -> bytes:
    """Return an inode as the list has it."""
    return b"%d:%d" % (st.st_dev, st.st_ino)


def empty(fd: int) -> None:
    """Remove the files of an open directory, as far as their number is one that is put
    there."""
    for name in walk.names(fd, MOST):
        try:
            os.unlink(name, dir_fd=fd)
        except IsADirectoryError:
            pass


def write(path: bytes, data: bytes, mode: int = 0o600) -> bool:
    """Have a file of root's own hold data. Reports whether it was not so before.

    Raises Failure or OSError; the old file is still there then.
    """
    return bool(write_all([(path, data, mode)]))


def write_all(files: list) -> list:
    """Write several files of root's own: (path, data, mode). Returns the paths of those
    that were not so before. All drafts are noted at once: a note waits for the disk."""
    with Drafting():
        return write_noted(files)


def write_noted(files: list) -> list:
    """Do what write_all does."""
    changed, drafts = [], {}
    for path, data, mode in files:
        above = walk.parent(path, make=True)
        try:
            if not holds(above.fd, walk.base(path), data, mode):
                changed.append(path)
                drafts[path] = new_name()
        finally:
            above.close()
    if drafts:
        note([path.rpartition(b"/")[0] + b"/" + name for path, name in drafts.items()])
    for path, data, mode in files:
        if path in drafts:
            replace(path, drafts[path], data, mode)
    return changed


def replace(path: bytes, draft: bytes, data: bytes, mode: int) -> None:
    """Write a draft that is noted, and give it the name of path."""
    above, name = walk.parent(path), walk.base(path)
    try:
        fd = os.open(draft, walk.CREATE, 0o600, dir_fd=above.fd)
        try:
            st = walk.fill(fd, data, root.UID, root.GID, mode)
        finally:
            os.close(fd)
        os.rename(draft, name, src_dir_fd=above.fd, dst_dir_fd=above.fd)
        if not walk.is_at(above.fd, name, st):
            raise OSError(errno.EAGAIN, "")
    except OSError:
        try:
            os.unlink(draft, dir_fd=above.fd)
        except OSError:
            pass
        raise
    finally:
        above.close()


def holds(at: int, name: bytes, data: bytes, mode: int) -> bool:
    """Report whether a file of root's own is there already, as it is to be."""
    place = walk.look(at, name)
    if place is None:
        return False
    try:
        st = place.st
        if not stat.S_ISREG(st.st_mode) or (st.st_uid, stat.S_IMODE(st.st_mode), st.st_size, st.st_nlink) != (root.UID, mode, len(data), 1):
            return False
        return walk.read_place(place, len(data)) == data
    except OSError:
        return False
    finally:
        place.close()


def discard(path: bytes) -> bool:
    """Remove a file of root's own. Reports whether it was there."""
    try:
        above = walk.parent(path)
    except OSError:
        return False
    try:
        os.unlink(walk.base(path), dir_fd=above.fd)
        return True
    except (FileNotFoundError, IsADirectoryError):
        return False
    finally:
        above.close()
