"""A run: open every payload, look at every target, stage every file, then put them in
place together, and do what follows."""
import grp
import os
import pwd

from ageenv import after, content, drafts, failure, identity, instance, keep, kernel, metadata, metrics, root, status, store, unseal, walk, watch
from ageenv.failure import Failure, Superseded, Waiting, say, show, where
from ageenv.plan import LIMIT, PATH, File, Plan, is_current, is_late
from ageenv.status import Run

MYPY = False
if MYPY:
    from typing import Callable

FIRST, BOOT, WAIT = "first", "boot", "wait"
# Where only one run at a time is busy.
LOCK = b"lock"


class Script:
    """What the startup script carried: the program, the identity if it travels, and the
    payloads."""

    def __init__(self, program: bytes, opens: "bytes | None", payloads: list) -> None:
        self.program, self.opens, self.payloads = program, opens, payloads


def drop(plan: Plan, run: Run, phase: str, script: "Script | None") -> None:
    """Put files in place: all of them at the first boot, else those that do not survive
    one. Raises Failure, Waiting and OSError."""
    lock = store.lock(LOCK)
    if lock is None:
        raise Failure(17, "busy", "another run holds the lock for more than %d seconds" % store.PATIENCE)
    try:
        if script is None and not is_current(plan):
            raise Superseded
        drafts.sweep()
        late = is_late(plan)
        files = plan.files if script is not None or late else plan.every()
        new = not is_current(plan)
        was_clone = script is not None and is_clone()
        if was_clone and plan.user_script:
            from ageenv import user_script
            user_script.forget()
        try:
            targets = prepare(plan, run, files, script)
        except Waiting:
            if script is None:
                raise
            after.pend(plan)
            keep_for(plan, script, True)
            if plan.identity == "file":
                start("ageenv-identity.path")
            # It may have come before the path unit looked.
            targets = prepare(plan, run, files, script)
        if script is not None:
            keep_for(plan, script, False)
        watch.check()
        if new and after.pending():
            # What an earlier plan has left to do is this one's to say.
            after.pend(plan)
        place(targets, lambda: after.pend(plan) if script is not None or late else None)
        drafts.sweep()
        try:
            keep.in_time(plan)
        except (OSError, Failure):
            say("what was kept until the files are in place cannot be removed")
        if plan.user_script and (script is not None or late):
            from ageenv import user_script
            user_script.ready()
        for target in targets:
            report(target.file)
    finally:
        os.close(lock)
    if phase != FIRST or was_clone:
        after.let_go(plan)
    watch.check()
    after.follow(plan, phase == BOOT, 0 if phase == WAIT else after.PATIENCE, script is not None)


def is_clone() -> bool:
    """Report whether docker was kept from starting, before this box had a script of its
    own."""
    return instance.verdict(instance.recorded(), instance.current()) == instance.OTHER


def prepare(plan: Plan, run: Run, files: list, script: "Script | None") -> list:
    """Open every payload and look at every target; nothing is changed."""
    if not files:
        return []
    opens = identity.obtain(plan, script.opens if script is not None else None)
    targets = []
    for f in files:
        watch.check()
        sealed = script.payloads[f.number - 1] if script is not None else kept_payload(f)
        plain = unseal.unseal(f.path, opens, sealed, f.is_directory())
        run.decryptor = unseal.decryptor
        uid, gid = account(f)
        targets.append(content.Tree(f, uid, gid, plain) if isinstance(plain, list) else content.Plain(f, uid, gid, plain))
    for target in targets:
        target.prepare()
    return targets


def kept_payload(f: File) -> bytes:
    """Return a payload that an earlier run has kept."""
    try:
        data = walk.read(f.sealed(), 64 << 20)
    except OSError:
        data = None
    if data is None:
        raise Failure(5, "payload-missing", "%s: its payload was not kept on this box" % f.name)
    return data


def account(f: File) -> tuple:
    """Look up user and group. Who does not exist may still be made, by runcmd say."""
    missing = "%s: cannot give it to %s:%s: there is no such %%s here yet" % (f.name, f.owner, f.group)
    try:
        uid = int(f.owner) if f.owner.isdigit() else pwd.getpwnam(f.owner).pw_uid
    except KeyError:
        raise Waiting(6, "owner", missing % "user")
    try:
        return uid, int(f.group) if f.group.isdigit() else grp.getgrnam(f.group).gr_gid
    except KeyError:
        raise Waiting(6, "owner", missing % "group")


def keep_for(plan: Plan, script: Script, waiting: bool) -> None:
    """Keep what later boots need. Files that are dropped once can do without."""
    try:
        keep.keep(plan, script.program, script.opens, script.payloads, waiting)
    except (OSError, Failure):
        if waiting or plan.every():
            raise Failure(8, "write", "what the box needs at its later boots cannot be kept on it")
        say("the program and its units cannot be kept on this box: it cannot be asked for its status, and a clone would not be noticed")


def keep_closed(plan: Plan, run: Run, program: bytes) -> None:
    """Have later boots close the metadata service, whatever becomes of the files."""
    if not plan.block_metadata or walk.read(PATH, LIMIT) is not None:
        return
    try:
        keep.keep_closed(plan, program)
    except (OSError, Failure):
        run.metadata = metadata.OPEN
        say("what closes the metadata service at later boots cannot be kept on this box: it opens again at the next one")


def start(name: str) -> None:
    """Have systemd run this again when what is missing may be there."""
    from ageenv import process
    if root.systemd() and process.run(["systemctl", "--no-block", "start", name]).code:
        raise Failure(8, "write", "%s cannot be started" % name)


def place(targets: list, before: "Callable") -> None:
    """Stage all, then put all in place, or take everything back."""
    changing = [t for t in targets if t.file.state != "unchanged"]
    if not changing:
        return
    # Each file and its directory stay open until all are in place.
    limits = kernel.open_more(2 * len(changing))
    with drafts.Drafting():
        try:
            drafts.note([name for t in changing for name in t.names()])
        except OSError:
            raise Failure(8, "write", "the list of drafts can be written neither in %s nor in %s" % (show(store.DISK), show(store.RUN)))
        put(changing, before)
    kernel.limit_open_files(limits)
    for t in changing:
        content.restore_context(t.file.path, t.uid if t.file.is_directory() else root.UID)


def put(changing: list, before: "Callable") -> None:
    """Do what place does. The drafts are noted."""
    try:
        for t in changing:
            watch.check()
            t.stage()
        watch.check()
        before()
        # From here on a signal waits: all of them, or none.
        for t in changing:
            t.commit()
    except BaseException:
        for t in reversed(changing):
            t.undo()
        raise
    for t in changing:
        t.finish()


def report(f: File) -> None:
    """Print a line about a file."""
    failure.write(1, "ageenv: %s%s %s:%s %04o %s\n" % (failure.label, f.name, f.owner, f.group, f.mode, f.state))


def conclude(plan: Plan, run: Run, work: "Callable", first: bool = False, quiet: bool = False) -> int:
    """Do the work, and say in status file, metrics and log how it went. Returns the exit
    code, that of a failure if the run waits; in the status of a first boot that is no
    failure. quiet: a run that still waits says nothing."""
    try:
        work()
        run.result, run.reason, run.code = "ok", run.remark, 0
    except Waiting as e:
        run.result, run.reason, run.code = "waiting", e.reason, 0 if first else e.code
        if quiet:
            return e.code
        say(e.message)
        finish(plan, run, first)
        return e.code
    except Failure as e:
        run.result, run.reason, run.code = "failed", e.reason, e.code
        say(e.message)
    except Superseded:
        return 0
    except BaseException as e:
        run.result, run.reason, run.code = "failed", "unexpected", 1
        if isinstance(e, OSError) and e.errno in store.UNWRITABLE:
            run.reason, run.code = "write", 8
        say(("disk full, or read-only? " if run.code == 8 else "unexpected: ") + where(e))
    watch.forget()
    finish(plan, run, first)
    return run.code


def finish(plan: Plan, run: Run, first: bool = False) -> None:
    """Write status and metrics, unless a newer script has replaced the plan meanwhile."""
    try:
        lock = None if first else store.lock(LOCK, 1)
    except Failure:
        lock = None
    try:
        if first or is_current(plan):
            write(plan, run)
    finally:
        if lock is not None:
            os.close(lock)


def write(plan: Plan, run: Run) -> None:
    """Do what finish does."""
    try:
        status.write(plan, run)
    except (OSError, Failure):
        say("the status file /var/lib/ageenv/status.json cannot be written")
    try:
        metrics.write(plan, run)
    except OSError:
        say("the metrics cannot be written")
    try:
        # What these have noted.
        drafts.sweep()
    except OSError:
        pass


def close_all(plan: Plan, run: Run) -> None:
    """Close what shows the script, before anything else."""
    metadata.tighten(plan)
    run.metadata = metadata.close(plan)
