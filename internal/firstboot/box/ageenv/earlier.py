"""What earlier scripts have put in place and a newer one does not: it stays on a box, but
not on its clone.

Whoever uses a path after that may put a file of their own there. So inode and time of
change are noted when the newer script comes, and nothing else is removed.
"""
import os

from ageenv import drafts, walk
from ageenv import plan as plans
from ageenv.failure import Failure, show
from ageenv.plan import Plan

LIST = b"/var/lib/ageenv/earlier"


def listed() -> list:
    """Return what is noted: pairs of a mark and a path."""
    lines = (walk.read(LIST) or b"").split(b"\n")
    return [(mark, path) for mark, _, path in (line.partition(b"\t") for line in lines) if path]


def mark(st: os.stat_result) -> bytes:
    """Return what tells a file from any other that has its name later."""
    return b"%d:%d" % (st.st_ino, st.st_mtime_ns)


def text(plan: Plan) -> bytes:
    """Return the list as it is to be with a new plan. What of the plan before it is there
    now is added, unless the new one has it, too."""
    paths = {f.path for f in plan.files}
    try:
        before = plans.installed()
    except Exception:
        # It is damaged, or not of this program's form: nothing is known.
        before = None
    lines = [(marked, path) for marked, path in listed() if path not in paths]
    for f in before.files if before is not None else []:
        if f.path in paths:
            continue
        try:
            place = walk.walk(f.path)
        except (OSError, Failure):
            continue
        place.close()
        lines.append((mark(place.st), f.path))
    return b"".join(b"%s\t%s\n" % line for line in lines)


def remove() -> list:
    """Remove everything that is noted and has not changed, and the list. Returns the names
    of what cannot be removed."""
    failed = []
    for marked, path in listed():
        try:
            above = walk.parent(path)
        except (OSError, Failure):
            continue
        try:
            st = os.stat(walk.base(path), dir_fd=above.fd, follow_symlinks=False)
            if mark(st) == marked:
                drafts.remove_at(above.fd, walk.base(path), {drafts.inode(st)})
        except FileNotFoundError:
            pass
        except OSError:
            failed.append(show(path))
        finally:
            above.close()
    drafts.discard(LIST)
    return failed
