"""Files of other people's directories, handled by descriptor.

A path is walked once, from the root, and what is done then is done through the
descriptors. Whoever may write in a directory can rename it or put a symlink in its
place at any moment; a descriptor stays with what was looked at.
"""
import errno
import os
import stat

from ageenv import root
from ageenv.failure import Failure, show

LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

MAX_LINKS = 40
ACCESS_LISTS = "system.posix_acl_access", "system.posix_acl_default"


class Place:
    """Where a walk has ended: a descriptor (O_PATH), its stat, and whether every
    directory on the way, the end included if it is one, is writable by root alone."""

    def __init__(self, fd: int, st: os.stat_result, closed: bool) -> None:
        self.fd = fd
        self.st = st
        self.closed = closed

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)


def walk(path: bytes, make: bool = False) -> Place:
    """Walk to path, following a symlink only where root alone can have put it there.

    make: missing directories are made. Raises Failure(7, "parent-symlink"), or
    OSError.
    """
    start = os.open(root.R or b"/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    stack, todo, links = [start], path.split(b"/")[::-1], 0
    st = os.fstat(start)
    closed = root.closed(st)
    try:
        while todo:
            name = todo.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                if len(stack) > 1:
                    os.close(stack.pop())
                continue
            try:
                fd = os.open(name, LOOK, dir_fd=stack[-1])
            except FileNotFoundError:
                if not make:
                    raise
                fd = make_directory(stack[-1], name)
            stack.append(fd)
            st = os.fstat(fd)
            if stat.S_ISLNK(st.st_mode):
                links += 1
                if not closed or not root.trusted(st) or links > MAX_LINKS:
                    raise Failure(7, "parent-symlink", "%s: %s on the way is a symlink that others can have put there: name the directory itself"
                                  % (show(path), show(name)))
                to = os.readlink(b"", dir_fd=fd)
                os.close(stack.pop())
                if to[:1] == b"/":
                    while len(stack) > 1:
                        os.close(stack.pop())
                todo += to.split(b"/")[::-1]
            elif stat.S_ISDIR(st.st_mode):
                closed = closed and root.closed(st)
            elif any(name not in (b"", b".") for name in todo):
                raise NotADirectoryError(errno.ENOTDIR, "")
        fd = stack.pop()
        return Place(fd, os.fstat(fd), closed)
    finally:
        for fd in stack:
            os.close(fd)


def directory(path: bytes, make: bool = False) -> Place:
    """Walk to a directory. Raises Failure or OSError, NotADirectoryError included."""
    place = walk(path, make)
    if not stat.S_ISDIR(place.st.st_mode):
        place.close()
        raise NotADirectoryError(errno.ENOTDIR, "")
    return place


def parent(path: bytes, make: bool = False) -> Place:
    """Walk to the directory that path is in."""
    return directory(path.rpartition(b"/")[0], make)


def base(path: bytes) -> bytes:
    """Return the last name of a path."""
    return path.rpartition(b"/")[2]


def make_directory(at: int, name: bytes) -> int:
    """Make a directory and return a descriptor of it (O_PATH).

    It takes owner and group of the one that it is made in, and its mode & 0755;
    below a sticky one, as /tmp, it is root's and 0755.
    """
    above = os.fstat(at)
    try:
        fd = new_directory(at, name)
    except FileExistsError:
        return os.open(name, LOOK, dir_fd=at)
    try:
        if above.st_mode & stat.S_ISVTX:
            os.fchown(fd, root.UID, root.GID)
            os.fchmod(fd, 0o755)
        else:
            os.fchown(fd, above.st_uid, above.st_gid)
            os.fchmod(fd, above.st_mode & 0o755)
        return os.open(b".", LOOK, dir_fd=fd)
    finally:
        os.close(fd)


def new_directory(at: int, name: bytes) -> int:
    """Make an empty directory of root's, 0700, without access lists, and open it.

    Whoever may write in the one above can put another in its place before it is
    opened: that one is recognized, and OSError(EEXIST) raised.
    """
    os.mkdir(name, 0o700, dir_fd=at)
    fd = os.open(name, LIST, dir_fd=at)
    st = os.fstat(fd)
    if st.st_uid != root.UID or st.st_mode & 0o077 or os.listdir(fd):
        os.close(fd)
        raise FileExistsError(errno.EEXIST, "")
    drop_access_lists(fd)
    # An inherited list may have taken rights from root, too.
    os.fchmod(fd, 0o700)
    return fd


def names(fd: int, most: int) -> list:
    """Return the names in an open directory, most of them at most: whoever owns it can
    fill it."""
    found = []  # type: list
    # By its name in /proc: Python 3.6 cannot scan a descriptor.
    with os.scandir(b"/proc/self/fd/%d" % fd) as entries:
        for entry in entries:
            if len(found) == most:
                break
            found.append(entry.name)
    return found


def drop_access_lists(fd: int) -> None:
    """Remove the access lists that were inherited from the directory above.

    With `default:u:1000:rwx` there, a later fchmod to 0640 would let that user read.
    """
    for name in ACCESS_LISTS:
        try:
            os.removexattr(fd, name)
        except OSError as e:
            if e.errno not in (errno.ENODATA, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise


def has_access_list(fd: int) -> bool:
    """Report whether a file has an access list. The descriptor may be one of O_PATH."""
    try:
        return bool(os.getxattr(b"/proc/self/fd/%d" % fd, ACCESS_LISTS[0]))
    except OSError:
        return False


def look(at: int, name: bytes) -> "Place | None":
    """Look at what has a name in a directory, a symlink included. None: nothing."""
    try:
        fd = os.open(name, LOOK, dir_fd=at)
    except FileNotFoundError:
        return None
    return Place(fd, os.fstat(fd), False)


def same(a: os.stat_result, b: os.stat_result) -> bool:
    """Report whether two stats are of one inode."""
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def is_at(at: int, name: bytes, st: os.stat_result) -> bool:
    """Report whether a name in a directory is that inode."""
    try:
        return same(os.stat(name, dir_fd=at, follow_symlinks=False), st)
    except OSError:
        return False


def reopen(fd: int, flags: int = os.O_RDONLY) -> int:
    """Open what was looked at. A write lease or a pipe does not hang it."""
    return os.open(b"/proc/self/fd/%d" % fd, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def read_open(fd: int, limit: int) -> bytes:
    """Read an open file. One that is longer than limit gives limit + 1 bytes."""
    parts, left = [], limit + 1
    while left > 0:
        part = os.read(fd, min(left, 1 << 20))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_place(place: Place, limit: int) -> bytes:
    """Read a regular file that was looked at. OSError(EFBIG) if it is too long."""
    if not stat.S_ISREG(place.st.st_mode):
        raise OSError(errno.EINVAL, "")
    fd = reopen(place.fd)
    try:
        data = read_open(fd, limit)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise OSError(errno.EFBIG, "")
    return data


def read(path: bytes, limit: int = 1 << 20) -> "bytes | None":
    """Read a regular file. None: there is none. Raises Failure or OSError."""
    try:
        place = walk(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return read_place(place, limit)
    finally:
        place.close()


def write_all(fd: int, data: bytes) -> None:
    """Write all of data."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def fill(fd: int, data: bytes, uid: int, gid: int, mode: int) -> os.stat_result:
    """Complete a file that was just created: bytes, owner, mode, on the disk.

    Raises OSError; EPERM also where the file system does not keep owner or mode.
    """
    write_all(fd, data)
    drop_access_lists(fd)
    os.fchown(fd, uid, gid)
    os.fchmod(fd, mode)
    os.fsync(fd)
    st = os.fstat(fd)
    if (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode), st.st_size) != (uid, gid, mode, len(data)):
        raise OSError(errno.ENOTSUP, "")
    return st


def sync_directory(at: int) -> None:
    """Have the names in a directory on the disk, where its file system can."""
    try:
        fd = os.open(b".", LIST, dir_fd=at)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError:
        pass
