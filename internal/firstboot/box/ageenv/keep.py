"""What stays on the box for its later boots: the program, the plan and the units; and
where files are to be dropped again, their payloads and an identity that travelled."""
import os
import sys

from ageenv import content, drafts, earlier, fence, identity, instance, metadata, process, root, store, units, walk
from ageenv.failure import Failure
from ageenv.plan import LATE, PATH, Plan, is_late

PROGRAM = b"/usr/local/sbin/ageenv"
WANTS = units.DIRECTORY + b"multi-user.target.wants/"
# Units that a plan may have and the next one not.
OURS = b"ageenv-identity.path", units.USER_SCRIPT.encode(), fence.SERVICE


def program_file(text: bytes) -> bytes:
    """Return the program as a file that runs by itself. Python is called as it was
    found: the name that it has of its own changes with the next release."""
    return b"#!" + os.fsencode(sys.executable) + b" -IS\n" + text


def keep(plan: Plan, text: bytes, opens: "bytes | None", payloads: list, waiting: bool) -> None:
    """Keep everything that is needed until all files are in place, and remove what is not.

    text: the program. opens: an identity that travelled. waiting: it may take until
    another boot. Wherever this is cut off, the earlier plan or this one is whole.
    Raises Failure or OSError.
    """
    store.make().close()
    instance.record()
    wanted = [(f.sealed(), payloads[f.number - 1], 0o600) for f in plan.files]
    if opens is not None:
        # The earlier plan may still need its own.
        was = walk.read(identity.KEPT, identity.LIMIT) or opens
        wanted.append((identity.KEPT, opens if was == opens else opens + was, 0o600))
    unit_files = later_units(plan, waiting)
    wanted += [(LATE, plan.text, 0o600), (PROGRAM, program_file(text), 0o755)]
    wanted += [(path, text.encode(), 0o644) for path, text in unit_files.items()]
    replaced = earlier.text(plan)
    if replaced or earlier.listed():
        wanted.append((earlier.LIST, replaced, 0o600))
    changed = drafts.write_all(wanted + [(PATH, plan.text, 0o600)])
    if opens is not None:
        drafts.write(identity.KEPT, opens)
    forget([path for path, _, _ in wanted])
    for path in changed:
        content.restore_context(path)
    reload = removed_units(plan, unit_files)
    enable(b"ageenv.service", True)
    enable(b"ageenv-identity.path", plan.identity == "file")
    if root.systemd() and (reload or any(path.startswith(units.DIRECTORY) for path in changed)):
        if process.run(["systemctl", "daemon-reload"]).code:
            raise Failure(8, "write", "systemctl daemon-reload fails")


def keep_closed(plan: Plan, text: bytes) -> None:
    """Keep what closes the metadata service at later boots, even if nothing is dropped.
    Raises Failure or OSError."""
    store.make().close()
    instance.record()
    unit_files = [(path, text.encode(), mode) for path, text, mode in metadata.drop_ins(plan)]
    for path in drafts.write_all([(PROGRAM, program_file(text), 0o755)] + unit_files + [(PATH, plan.text, 0o600)]):
        content.restore_context(path)


def forget(wanted: list) -> None:
    """Remove what an earlier script has kept and this one does not need."""
    box = walk.directory(store.DISK)
    fd = os.open(b".", walk.LIST, dir_fd=box.fd)
    box.close()
    try:
        for name in map(os.fsencode, os.listdir(fd)):
            path = store.DISK + b"/" + name
            if (name.startswith(b"sealed.") or path in (identity.KEPT, LATE)) and path not in wanted:
                os.unlink(name, dir_fd=fd)
    finally:
        os.close(fd)


def later_units(plan: Plan, waiting: bool) -> dict:
    """Return the unit files that are wanted, path to text."""
    wanted = {path: text for path, text, _mode in metadata.drop_ins(plan)}
    files = {b"ageenv.service": units.service(plan, waiting), b"ageenv-after.service": units.after(plan), b"ageenv-wait.service": units.wait()}
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
            elif name in OURS and units.DIRECTORY + name not in wanted:
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
    """All files are in place: what was kept for those that are dropped once goes."""
    if is_late(plan):
        drafts.discard(LATE)
        forget(needed(plan))


def needed(plan: Plan) -> list:
    """Return what later boots need of payloads and identity once all files are in place."""
    every = [f.sealed() for f in plan.every()]
    return every + [identity.KEPT] if every else []


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
    failed += earlier.remove()
    forget([])
    drafts.discard(b"/var/lib/ageenv/pending")
    # What another run has left in the middle holds values, too.
    drafts.sweep()
    left = ": all but %s, which cannot be removed" % ", ".join(failed) if failed else ""
    if plan.identity == "file":
        left += "; %s is still there: remove it" % plan.identity_name()
    raise Failure(11, "clone", "this box is a clone of the one that the files are for: they and what opens them were removed%s, and nothing is dropped" % left)
