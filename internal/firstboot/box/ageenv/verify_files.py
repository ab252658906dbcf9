"""Whether the files are in place, with their owner and mode, and which values they hold."""
import os
import stat

from ageenv import root, walk
from ageenv.failure import Failure, Waiting, show
from ageenv.plan import File, Plan, is_late
from ageenv.report import Report
from ageenv.verify_values import Values

# Of a file whose values are read, and of a directory.
LIMIT, MAX_FILES = 16 << 20, 10000


def verify(plan: Plan, values: Values, report: Report) -> None:
    """Look at every file of the plan, and add the values that it holds."""
    late = is_late(plan)
    for f in plan.files:
        try:
            verify_one(f, late, report, values)
        except Waiting as e:
            report.failed(e.message + ": create it")
        except Failure as e:
            report.failed(e.message)
        except OSError as e:
            report.unseen("%s, which cannot be read: error %d" % (f.name, e.errno or 0))


def verify_one(f: File, late: bool, report: Report, values: Values) -> None:
    """Look at a file, or at a directory and its files."""
    again = "run `ageenv drop`" if f.every_boot else "deliver the startup script again"
    try:
        above = walk.parent(f.path)
    except (FileNotFoundError, NotADirectoryError):
        place = None
    else:
        place = walk.look(above.fd, walk.base(f.path))
        above.close()
    if place is None:
        report.failed("%s is missing: %s" % (f.name, "see `ageenv status` for what it waits for" if late else again))
        return
    try:
        right, what = (stat.S_ISDIR, "a directory") if f.is_directory() else (stat.S_ISREG, "a regular file")
        if not right(place.st.st_mode):
            report.failed("%s is not %s: remove it, and %s" % (f.name, what, again))
        elif f.dir_mode is not None:
            judge(f, f.name, place, f.dir_mode, report)
            verify_directory(f, place, report, values)
        else:
            judge(f, f.name, place, f.mode, report)
            values.add_text(walk.read_place(place, LIMIT), f.name, f.exposure == "env")
    finally:
        place.close()


def verify_directory(f: File, place: walk.Place, report: Report, values: Values) -> None:
    """Look at the files of a directory."""
    fd = walk.reopen(place.fd, walk.LIST & ~os.O_NOFOLLOW)
    try:
        names = sorted(walk.names(fd, MAX_FILES + 1))
        if len(names) > MAX_FILES:
            report.unseen("what is in %s besides %d of its files" % (f.name, MAX_FILES))
        for base in names[:MAX_FILES]:
            name = f.name + "/" + show(base)
            left = walk.look(fd, base)
            if left is None:
                continue
            try:
                if not stat.S_ISREG(left.st.st_mode):
                    report.failed("%s is not a regular file, and ageenv has not put it there: remove it" % name)
                    continue
                judge(f, name, left, f.mode, report)
                values.add_whole(walk.read_place(left, LIMIT), name, f.exposure == "env")
            except OSError as e:
                report.unseen("%s, which cannot be read: error %d" % (name, e.errno or 0))
            finally:
                left.close()
    finally:
        os.close(fd)


def private(path: bytes, report: Report) -> bool:
    """Report whether root alone can read and write a file or directory. False: it is not there."""
    try:
        place = walk.walk(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        st, own = place.st, account_name(root.UID, root.GID)
        mode = 0o700 if stat.S_ISDIR(st.st_mode) else 0o600
        if st.st_uid != root.UID or st.st_mode & 0o077:
            report.failed("%s is %s %04o, so that others can use it: run chown %s and chmod %04o on it"
                          % (show(path), account_name(st.st_uid, st.st_gid), stat.S_IMODE(st.st_mode), own, mode))
        else:
            report.passed("%s is %s %04o" % (show(path), account_name(st.st_uid, st.st_gid), stat.S_IMODE(st.st_mode)))
    finally:
        place.close()
    return True


def judge(f: File, name: str, place: walk.Place, mode: int, report: Report) -> None:
    """Report owner and mode of what was looked at, and whether an access list adds to them."""
    from ageenv import run
    st, has = place.st, stat.S_IMODE(place.st.st_mode)
    wrong, commands = [], []
    if (st.st_uid, st.st_gid) != run.account(f):
        wrong.append("belongs to " + account_name(st.st_uid, st.st_gid))
        commands.append("chown %s:%s" % (f.owner, f.group))
    if has != mode:
        wrong.append("has mode %04o" % has)
        commands.append("chmod %04o" % mode)
    # Without opening it: its owner may hold a lease.
    if walk.has_access_list(place.fd):
        wrong.append("has an access list")
        commands.append("setfacl -b")
    if wrong:
        report.failed("%s %s: run %s on it" % (name, " and ".join(wrong), " and ".join(commands)))
    else:
        report.passed("%s is %s:%s %04o" % (name, f.owner, f.group, mode))


def account_name(uid: int, gid: int) -> str:
    """Return user and group by name, or by number where they have no name."""
    import grp
    import pwd
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    try:
        return user + ":" + grp.getgrgid(gid).gr_name
    except KeyError:
        return "%s:%d" % (user, gid)
