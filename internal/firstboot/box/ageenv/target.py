"""One file on its way to its place: looked at, staged next to it, exchanged with it.

All files of a script are the new ones or the old ones: each is staged before any is
put in place, and what is in place already is taken back if a later one fails.
"""
import errno
import os
import stat

from ageenv import drafts, kernel, walk
from ageenv.failure import Failure
from ageenv.plan import File

CHANGED = "%s: something else changed it meanwhile: nothing is put there"


class Target:
    """A file of the plan, and what is at its path. Used in the order of its methods."""

    def __init__(self, file: File, uid: int, gid: int) -> None:
        self.file, self.uid, self.gid = file, uid, gid
        self.at = -1  # The directory that it is in.
        self.before = None  # type: os.stat_result | None
        self.ours = None  # type: os.stat_result | None
        self.fd = -1  # The draft, open as long as it may have to be emptied.
        self.draft, self.spare = drafts.new_name(), drafts.new_name()
        self.in_place = self.swapped = self.aside = False

    def fail(self, code: int, reason: str, text: str) -> Failure:
        """Return a failure that names the path."""
        return Failure(code, reason, "%s: %s" % (self.file.name, text))

    def prepare(self) -> None:
        """Look at what is there. Nothing is changed."""
        try:
            above = walk.parent(self.file.path)
        except FileNotFoundError:
            return
        except NotADirectoryError:
            raise self.fail(8, "write", "cannot make its directory: there is a file on the way")
        except OSError as e:
            raise self.fail(8, "write", "its directory cannot be opened: error %s" % code(e))
        try:
            place = walk.look(above.fd, walk.base(self.file.path))
            if place is None:
                return
            try:
                self.before = place.st
                if kernel.mount_id(place.fd) != kernel.mount_id(above.fd):
                    raise self.fail(7, "target-mount", "is a mount of its own and cannot be replaced: unmount it, or mount the directory that it is in")
                if stat.S_ISLNK(place.st.st_mode):
                    raise self.fail(7, "target-symlink", "is a symlink and is not written through: remove it, or name what it points to")
                if self.examine(place):
                    self.file.state = "unchanged"
            finally:
                place.close()
        except OSError as e:
            raise self.fail(7, "target-unreadable", "cannot be examined: error %s" % code(e))
        finally:
            above.close()

    def examine(self, place: walk.Place) -> bool:
        """Report whether what is there is right already. Raises Failure if it must stay."""
        raise NotImplementedError

    def names(self) -> list:
        """Return what has to be noted before stage."""
        above = self.file.path.rpartition(b"/")[0]
        return [above + b"/" + self.draft, above + b"/" + self.spare]

    def stage(self) -> None:
        """Write the new form next to the target, complete and on the disk."""
        try:
            self.at = walk.parent(self.file.path, make=True).fd
        except OSError as e:
            raise self.fail(8, "write", "cannot make its directory: error %s" % code(e))
        try:
            self.write()
        except OSError as e:
            if e.errno == errno.ENOTSUP:
                raise self.fail(8, "write", "its file system does not keep owner, group or mode")
            if e.errno == errno.EPERM:
                raise self.fail(6, "owner", "cannot give it to %s:%s: not permitted" % (self.file.owner, self.file.group))
            raise self.fail(8, "write", "cannot write next to it: disk full, or read-only? error %s" % code(e))

    def write(self) -> None:
        """Make the draft; sets fd and ours. Raises OSError."""
        raise NotImplementedError

    def commit(self) -> None:
        """Give the draft the target's name, and the old file the draft's."""
        name = walk.base(self.file.path)
        try:
            if self.before is None:
                self.rename_new(name)
            else:
                self.exchange(name)
        except OSError as e:
            if e.errno == errno.EXDEV:
                raise self.fail(8, "write", "comes from a lower layer of an overlay, which cannot replace a directory in one step: remove it")
            raise self.fail(8, "write", "cannot be replaced: error %s" % code(e))
        assert self.ours is not None
        if not walk.is_at(self.at, name, self.ours) or not self.reached(name):
            raise Failure(8, "write", CHANGED % self.file.name)
        self.look_again()
        walk.sync_directory(self.at)

    def look_again(self) -> None:
        """Raise Failure if the old one, which has a name that nobody knows now, is another
        than it was. It is removed next."""

    def rename_new(self, name: bytes) -> None:
        """Rename where nothing was before."""
        self.in_place = True
        try:
            kernel.rename(self.at, self.draft, name, kernel.NOREPLACE)
        except OSError as e:
            if e.errno not in kernel.UNSUPPORTED:
                raise
            os.rename(self.draft, name, src_dir_fd=self.at, dst_dir_fd=self.at)

    def exchange(self, name: bytes) -> None:
        """Exchange draft and target in one step; the old one must be what was looked at."""
        assert self.before is not None
        self.in_place = self.swapped = True
        try:
            kernel.rename(self.at, self.draft, name, kernel.EXCHANGE)
        except OSError as e:
            self.in_place = self.swapped = False
            if e.errno not in kernel.UNSUPPORTED:
                raise
            self.two_steps(name)
            return
        if not walk.is_at(self.at, self.draft, self.before):
            raise Failure(8, "write", CHANGED % self.file.name)

    def two_steps(self, name: bytes) -> None:
        """Where the file system cannot exchange: the old one gets the spare name.

        A file keeps its own name, too, until the draft takes it. A directory cannot:
        there is a moment without it.
        """
        self.aside = True
        assert self.before is not None
        if stat.S_ISDIR(self.before.st_mode):
            os.rename(name, self.spare, src_dir_fd=self.at, dst_dir_fd=self.at)
        else:
            os.link(name, self.spare, src_dir_fd=self.at, dst_dir_fd=self.at, follow_symlinks=False)
        if not walk.is_at(self.at, self.spare, self.before):
            raise Failure(8, "write", CHANGED % self.file.name)
        self.in_place = True
        os.rename(self.draft, name, src_dir_fd=self.at, dst_dir_fd=self.at)

    def reached(self, name: bytes) -> bool:
        """Report whether the path, walked again, leads to what was put there."""
        assert self.ours is not None
        try:
            above = walk.parent(self.file.path)
        except (OSError, Failure):
            return False
        try:
            return walk.is_at(above.fd, name, self.ours)
        finally:
            above.close()

    def undo(self) -> None:
        """Take back what commit has done, and remove the draft."""
        if self.at < 0:
            return
        name = walk.base(self.file.path)
        try:
            if self.in_place and self.ours is not None and walk.is_at(self.at, name, self.ours):
                if self.swapped:
                    kernel.rename(self.at, self.draft, name, kernel.EXCHANGE)
                elif self.aside:
                    os.rename(name, self.draft, src_dir_fd=self.at, dst_dir_fd=self.at)
                    os.rename(self.spare, name, src_dir_fd=self.at, dst_dir_fd=self.at)
                else:
                    os.rename(name, self.draft, src_dir_fd=self.at, dst_dir_fd=self.at)
            elif self.aside and self.before is not None and stat.S_ISDIR(self.before.st_mode) and walk.is_at(self.at, self.spare, self.before):
                kernel.rename(self.at, self.spare, name, 0)
        except OSError:
            pass
        if self.ours is None or not walk.is_at(self.at, name, self.ours):
            self.empty_draft()
        for left in self.draft, self.spare:
            if self.before is None or not walk.is_at(self.at, left, self.before) or left == self.spare:
                self.remove(left)
        self.close()

    def empty_draft(self) -> None:
        """Destroy what the draft holds, wherever somebody has moved it."""

    def remove(self, name: bytes) -> None:
        """Remove a draft, as far as it can be."""
        try:
            # A file takes the place of an empty directory: nothing of that is removed with it.
            ours = (self.ours, self.before) if self.file.is_directory() else ()
            drafts.remove_at(self.at, name, {drafts.inode(st) for st in ours if st is not None})
        except OSError:
            pass

    def finish(self) -> None:
        """Everything is in place: remove the old file."""
        if self.at < 0:
            return
        for left in self.draft, self.spare:
            if self.before is not None and walk.is_at(self.at, left, self.before):
                self.remove(left)
        self.file.state = "written"
        self.close()

    def close(self) -> None:
        """Close what is open."""
        for fd in self.fd, self.at:
            if fd >= 0:
                os.close(fd)
        self.fd = self.at = -1


def code(error: OSError) -> str:
    """Return the name of an error of the system."""
    return errno.errorcode.get(error.errno or 0, str(error.errno))
