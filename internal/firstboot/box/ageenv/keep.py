"""What stays on the box for its later boots: the program, the plan and the units; and
where files are to be dropped again, their payloads and an identity that travelled."""
import os
import sys

from ageenv import content, drafts, fence, identity, instance, metadata, process, root, units, walk
from ageenv.failure import Failure
from ageenv.plan import LATE, PATH, Plan, is_late

PROGRAM = b"/usr/local/sbin/ageenv"
WANTS = units.DIRECTORY + b"multi-user.target.wants/"


def program_file(text: bytes) -> bytes:
    """Return the program as a file that runs by itself."""
    return b"#!" + os.fsencode(os.path.realpath(sys.executable)) + b" -IS\n" + text


def keep(plan: Plan, text: bytes, opens: "bytes | None", payloads: list, late: bool) -> None:
    """Keep everything that is needed, and remove what is not.

    text: the program. opens: an identity that travelled. late: nothing has been
    dropped yet. Raises Failure or OSError.
    """
    drafts.make_box().close()
    instance.record()
    wanted = [(PATH, plan.text, 0o600), (PROGRAM, program_file(text), 0o755)]
    for f in plan.files:
        if late or f.every_boot:
            wanted.append((f.sealed(), payloads[f.number - 1], 0o600))
    if opens is not None and (late or plan.every()):
        wanted.append((identity.KEPT, opens, 0o600))
    if late:
        wanted.append((LATE, b"", 0o600))
    unit_files = later_units(plan)
    forget([path for path, _, _ in wanted])
    changed = drafts.write_all(wanted + [(path, text.encode(), 0o644) for path, text in unit_files.items()])
    for path in changed:
        content.restore_context(path)
    reload = removed_units(plan, unit_files)
    enable(b"ageenv.service", True)
    enable(b"ageenv-identity.path", plan.identity == "file")
    if root.systemd() and (reload or any(path.startswith(units.DIRECTORY) for path in changed)):
        if process.run(["systemctl", "daemon-reload"]).code:
            raise Failure(8, "write", "systemctl daemon-reload fails")


def forget(wanted: list) -> None:
    """Remove what an earlier script has kept and this one does not need."""
    box = walk.directory(drafts.BOX)
    fd = os.open(b".", walk.LIST, dir_fd=box.fd)
    box.close()
    try:
        for name in map(os.fsencode, os.listdir(fd)):
            path = drafts.BOX + b"/" + name
            if (name.startswith(b"sealed.") or path in (identity.KEPT, LATE)) and path not in wanted:
                os.unlink(name, dir_fd=fd)
    finally:
        os.close(fd)


def later_units(plan: Plan) -> dict:
    """Return the unit files that are wanted, path to text."""
    wanted = {path: text for path, text, _mode in metadata.drop_ins(plan)}
    files = {b"ageenv.service": units.service(plan), b"ageenv-after.service": units.after(plan), b"ageenv-wait.service": units.wait()}
    if plan.identity == "file":
        files[b"ageenv-identity.path"] = units.identity_path(plan)
    if plan.user_script:
        files[units.USER_SCRIPT.encode()] = units.user_script()
    for name in [units.DOCKER] + plan.units:
        files[name.encode() + b".d/" + units.DROP_IN] = units.waits()
    for path in files:
        wanted[units.DIRECTORY + path] = files[path]
    return wanted


def removed_units(plan: Plan, wanted: dict) -> bool:
    """Remove drop-ins and units of an earlier plan. What somebody else has put next to
    a drop-in stays. Reports whether anything was removed."""
    try:
        place = walk.directory(units.DIRECTORY)
    except OSError:
        return False
    fd = os.open(b".", walk.LIST, dir_fd=place.fd)
    place.close()
    removed = False
    try:
        for name in map(os.fsencode, os.listdir(fd)):
            if name.endswith(b".d"):
                for drop_in in units.DROP_IN, fence.NAME:
                    path = units.DIRECTORY + name + b"/" + drop_in
                    if path not in wanted and drafts.discard(path):
                        removed = True
                        try:
                            os.rmdir(name, dir_fd=fd)
                        except OSError:
                            pass
            elif name.startswith(b"ageenv") and units.DIRECTORY + name not in wanted:
                removed = drafts.discard(units.DIRECTORY + name) or removed
    finally:
        os.close(fd)
    return removed


def enable(name: bytes, wanted: bool, wants: bytes = WANTS) -> None:
    """Enable a unit, or disable it, as systemctl does."""
    if not wanted:
        drafts.discard(wants + name)
        return
    above = walk.parent(wants + name, make=True)
    try:
        os.symlink(b"../" + name, name, dir_fd=above.fd)
    except FileExistsError:
        pass
    finally:
        above.close()


def in_time(plan: Plan) -> None:
    """Payloads and identity that were kept for a late start have been used."""
    if not is_late():
        return
    for f in plan.files:
        if not f.every_boot:
            drafts.discard(f.sealed())
    if not plan.every():
        drafts.discard(identity.KEPT)
    drafts.discard(LATE)


def cast_off(plan: Plan) -> None:
    """On a clone: remove what was inherited, before anything starts that would use it."""
    failed = []
    for f in plan.files:
        try:
            content.remove_target(f)
        except FileNotFoundError:
            pass
        except (OSError, Failure):
            failed.append(f.name)
    forget([])
    for path in b"/var/lib/ageenv/pending", drafts.LIST:
        drafts.discard(path)
    left = ": all but %s, which cannot be removed" % ", ".join(failed) if failed else ""
    raise Failure(11, "clone", "this box is a clone of the one that the files are for: they and the identity were removed%s, and nothing is dropped" % left)
