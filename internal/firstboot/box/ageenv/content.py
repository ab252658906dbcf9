"""What a target holds: the bytes of a file, or the files of a directory."""
import os
import stat

from ageenv import drafts, root, walk
from ageenv.failure import Failure, say, show
from ageenv.plan import File
from ageenv.target import Target

# The directories that earlier runs have put in place, a path a line.
DIRECTORIES = b"/var/lib/ageenv/directories"


class Plain(Target):
    """A file."""

    def __init__(self, file: File, uid: int, gid: int, data: bytes) -> None:
        super().__init__(file, uid, gid)
        self.data = data

    def examine(self, place: walk.Place) -> bool:
        """Compare with the file that is there."""
        st = place.st
        if stat.S_ISDIR(st.st_mode):
            # Docker makes an empty directory in place of a missing file.
            if names_in(place):
                raise self.fail(7, "target-directory", "is a directory that is not empty: remove it, or choose another path")
            return False
        if not stat.S_ISREG(st.st_mode):
            raise self.fail(7, "target-special", "is neither a file nor a directory: remove it, or choose another path")
        return holds(place, self.data, self.uid, self.gid, self.file.mode)

    def write(self) -> None:
        """Create the draft exclusively, and fill it through its descriptor."""
        self.fd = os.open(self.draft, walk.CREATE, 0o600, dir_fd=self.at)
        self.ours = os.fstat(self.fd)
        walk.fill(self.fd, self.data, self.uid, self.gid, self.file.mode)

    def look_again(self) -> None:
        """A directory that was empty has to be so still: a container may write in it."""
        if self.before is None or not stat.S_ISDIR(self.before.st_mode):
            return
        for name in self.draft, self.spare:
            place = walk.look(self.at, name)
            if place is None:
                continue
            try:
                if walk.same(place.st, self.before) and names_in(place):
                    raise self.fail(7, "target-directory", "is a directory that is not empty any more: remove it, or choose another path")
            finally:
                place.close()

    def empty_draft(self) -> None:
        """Truncate it."""
        if self.fd >= 0:
            try:
                os.ftruncate(self.fd, 0)
            except OSError:
                pass


class Tree(Target):
    """A directory of files."""

    def __init__(self, file: File, uid: int, gid: int, entries: list) -> None:
        super().__init__(file, uid, gid)
        self.entries = dict(entries)
        assert file.dir_mode is not None
        self.mode = file.dir_mode
        self.noted = False

    def examine(self, place: walk.Place) -> bool:
        """Compare with the directory that is there, file by file."""
        st = place.st
        if not stat.S_ISDIR(st.st_mode):
            raise self.fail(7, "target-special", "is not a directory: remove it, or choose another path")
        names = names_in(place)
        if len(names) == drafts.MOST:
            raise self.fail(7, "target-directory", "is a directory with too many names in it: empty it")
        right = sorted(names) == sorted(self.entries) and (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (self.uid, self.gid, self.mode)
        fd = walk.reopen(place.fd, walk.LIST & ~os.O_NOFOLLOW)
        try:
            right = right and not walk.has_access_list(fd)
            alien = False
            for name in names:
                left = walk.look(fd, name)
                if left is None:
                    right = False
                    continue
                alien = alien or not stat.S_ISREG(left.st.st_mode)
                right = right and holds(left, self.entries[name], self.uid, self.gid, self.file.mode)
                left.close()
        finally:
            os.close(fd)
        # What somebody else has put into a directory is not thrown away.
        if not right and names and (alien or self.file.path not in known_directories()):
            raise self.fail(7, "target-directory", "is a directory with something in it that was not put there by ageenv: choose a path of its own, or empty it")
        return right

    def write(self) -> None:
        """Make the directory, which nobody else can enter until it is complete."""
        self.noted = note_directory(self.file.path)
        self.fd = walk.new_directory(self.at, self.draft)
        self.ours = os.fstat(self.fd)
        drafts.note_directory(self.names()[0], self.ours)
        if self.before is not None:
            for path in self.names():
                drafts.note_directory(path, self.before)
        for name, data in self.entries.items():
            fd = os.open(name, walk.CREATE, 0o600, dir_fd=self.fd)
            try:
                walk.fill(fd, data, self.uid, self.gid, self.file.mode)
            finally:
                os.close(fd)
        os.fchown(self.fd, self.uid, self.gid)
        os.fchmod(self.fd, self.mode)
        os.fsync(self.fd)
        st = os.fstat(self.fd)
        if (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) != (self.uid, self.gid, self.mode):
            raise OSError(95, "")

    def undo(self) -> None:
        """Take back the note, too: what comes to be there is not this program's."""
        super().undo()
        if self.noted:
            forget_directory(self.file.path)

    def empty_draft(self) -> None:
        """Remove its files."""
        if self.fd >= 0 and self.ours is not None:
            try:
                drafts.empty(self.fd)
            except OSError:
                pass


def names_in(place: walk.Place) -> list:
    """Return the names in a directory that was looked at, as far as it is one that is put
    there."""
    fd = walk.reopen(place.fd, walk.LIST & ~os.O_NOFOLLOW)
    try:
        return walk.names(fd, drafts.MOST)
    finally:
        os.close(fd)


def holds(place: walk.Place, data: bytes, uid: int, gid: int, mode: int) -> bool:
    """Report whether a file is as it is to be: one name, no access list, owner, mode, bytes."""
    st = place.st
    if not stat.S_ISREG(st.st_mode) or (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode), st.st_size, st.st_nlink) != (uid, gid, mode, len(data), 1):
        return False
    try:
        fd = walk.reopen(place.fd)
    except BlockingIOError:
        # Its owner holds a write lease.
        return False
    try:
        return not walk.has_access_list(fd) and walk.read_open(fd, len(data)) == data
    finally:
        os.close(fd)


def known_directories() -> list:
    """Return the directories that earlier runs have put in place."""
    return (walk.read(DIRECTORIES) or b"").split(b"\n")


def note_directory(path: bytes) -> bool:
    """Note that the directory at path is this program's to replace. Reports whether it was
    not so before."""
    known = walk.read(DIRECTORIES) or b""
    if path in known.split(b"\n"):
        return False
    drafts.write(DIRECTORIES, known + path + b"\n")
    return True


def forget_directory(path: bytes) -> None:
    """Take back a note. Where that fails, a directory of that name may be replaced."""
    try:
        drafts.write(DIRECTORIES, b"".join(known + b"\n" for known in known_directories() if known not in (path, b"")))
    except (OSError, Failure):
        pass


def remove_target(file: File) -> None:
    """Remove what earlier runs have put at a path: on a clone. Raises OSError, Failure."""
    above = walk.parent(file.path)
    try:
        name = walk.base(file.path)
        place = walk.look(above.fd, name)
        if place is None:
            return
        place.close()
        mode = place.st.st_mode
        if file.is_directory():
            ours = stat.S_ISDIR(mode) and stat.S_IMODE(mode) == file.dir_mode and file.path in known_directories()
        else:
            ours = stat.S_ISREG(mode)
        if ours:
            drafts.remove_at(above.fd, name, {drafts.inode(place.st)})
    finally:
        above.close()


def restore_context(path: bytes, uid: int = root.UID) -> None:
    """Give a file, or what is in a directory of that user's, the SELinux context that
    belongs to its path.

    By name, so only where root alone can change what the name leads to.
    """
    if uid != root.UID:
        return
    from ageenv import process
    if process.which("restorecon") is None:
        return
    try:
        above = walk.parent(path)
    except OSError:
        return
    above.close()
    if above.closed:
        if process.run(["restorecon", "-R", os.fsdecode(root.R + path)]).code:
            say("%s: its SELinux context cannot be restored" % show(path))
