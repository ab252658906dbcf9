"""Whether others can read an identity in a copy of the startup script, or in a log."""
import os
import stat
import time

from ageenv import root, walk
from ageenv.failure import Failure, show
from ageenv.report import Report

DIRECTORIES = b"/run/cloud-init", b"/var/lib/cloud", b"/var/lib/ageenv", b"/var/log", b"/tmp", b"/var/tmp", b"/etc"
MARKS = b"AGE-SECRET-KEY-" + b"1", b"AGE-SECRET-KEY-" + b"PQ-1"
PIECE = 1 << 20
SECONDS, MAX_DEPTH = 60, 60
# Of the names in a directory. A user can fill one without end.
MOST = 200000


class Search:
    """A search for files that others can read and that hold an identity."""

    def __init__(self) -> None:
        self.found = []  # type: list
        self.unread = 0
        self.until = time.monotonic() + root.seconds(SECONDS)
        self.encoded = [text for mark in MARKS for text in encoded(mark)]

    def directory(self, fd: int, path: bytes, depth: int = 0) -> None:
        """Search an open directory, and close it. One that root alone may enter hides what it holds."""
        try:
            st = os.fstat(fd)
            if root.trusted(st) and not st.st_mode & 0o011:
                return
            names = walk.names(fd, MOST)
            self.unread += len(names) == MOST
            for name in names:
                if time.monotonic() > self.until:
                    return
                try:
                    self.entry(fd, name, path + b"/" + name, depth)
                except FileNotFoundError:
                    pass
                except OSError:
                    self.unread += 1
        finally:
            os.close(fd)

    def entry(self, at: int, name: bytes, path: bytes, depth: int) -> None:
        """Search what has a name in a directory."""
        place = walk.look(at, name)
        if place is None:
            return
        try:
            if stat.S_ISDIR(place.st.st_mode):
                if depth < MAX_DEPTH:
                    self.directory(walk.reopen(place.fd, walk.LIST & ~os.O_NOFOLLOW), path, depth + 1)
                else:
                    self.unread += 1
            elif stat.S_ISREG(place.st.st_mode) and place.st.st_mode & 0o044 and self.holds_mark(place):
                self.found.append(show(path))
        finally:
            place.close()

    def holds_mark(self, place: walk.Place) -> bool:
        """Report whether a file holds an identity. It may grow meanwhile."""
        fd = walk.reopen(place.fd)
        try:
            end, left = b"", place.st.st_size
            while left > 0 and time.monotonic() <= self.until:
                piece = os.read(fd, min(PIECE, left))
                if not piece:
                    break
                left -= len(piece)
                text = end + piece
                lines = text.replace(b"\n", b"")
                if any(mark in text for mark in MARKS) or any(mark in lines for mark in self.encoded):
                    return True
                end = text[-64:]
            return False
        finally:
            os.close(fd)


def encoded(mark: bytes) -> list:
    """Return the texts that show a mark in base64, where it may begin at any of three places."""
    import binascii
    return [binascii.b2a_base64(mark[skip:skip + (len(mark) - skip) // 3 * 3], newline=False) for skip in range(3)]


def verify(report: Report) -> None:
    """Report whether others can read an identity."""
    search = Search()
    for path in DIRECTORIES:
        try:
            place = walk.directory(path)
        except (OSError, Failure):
            continue
        try:
            fd = os.open(b".", walk.LIST, dir_fd=place.fd)
        finally:
            place.close()
        search.directory(fd, path)
    if search.found:
        report.failed("others can read an identity in %s: run chmod go= on it, and then rotate the identity" % ", ".join(sorted(search.found)))
    elif time.monotonic() > search.until:
        report.unseen("copies of an identity that others can read: the search took more than %d seconds" % SECONDS)
    else:
        report.passed("no identity is readable by others in %s" % ", ".join(map(show, DIRECTORIES)))
    if search.unread:
        report.unseen("%d files or directories that cannot be read, in which a copy of an identity may be" % search.unread)
