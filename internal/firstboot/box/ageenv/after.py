"""What reads the files gets to read the new ones.

Nothing here waits for systemd without a bound: the startup script runs inside
cloud-final, and a unit that is ordered after that one starts when the script has
ended. What is left to do is in /var/lib/ageenv/pending, a line each, so that a run
that was killed is made up for and nothing is done twice.
"""
import os
import time

from ageenv import compose, drafts, process, root, store, units, walk, watch
from ageenv.failure import Failure, Superseded, Waiting, say, show
from ageenv.plan import Plan

PENDING = b"/var/lib/ageenv/pending"
# Held while the list is changed.
LOCK = b"pending.lock"
# Seconds: for all units together, and for one command.
PATIENCE, LONGEST = 30.0, 300
SHOWN = "After,ActiveState,Job,ConditionResult,ConditionTimestampMonotonic,InactiveExitTimestampMonotonic"

# When this process had units restarted, in systemd's microseconds.
_restarted = {}  # type: dict


def pend(plan: Plan) -> None:
    """Note everything that is to follow, before the first file is changed."""
    lines = ["restart " + name for name in plan.units] + ["recreate " + show(path) for path in plan.compose] + ["run " + text for text in plan.commands]
    lock = store.lock(LOCK)
    try:
        if lines:
            # Another run may be at work on an older list that has the same lines.
            write(["list " + drafts.new_name().decode()] + lines)
        else:
            drafts.discard(PENDING)
    except OSError:
        raise Failure(8, "write", "%s cannot be written" % show(PENDING))
    finally:
        if lock is not None:
            os.close(lock)


def write(lines: list) -> None:
    """Replace the list of what is left to do."""
    drafts.write(PENDING, "".join(line + "\n" for line in lines).encode())


def pending() -> list:
    """Return what is left to do, after a line that tells this list from any other."""
    return [line for line in (walk.read(PENDING) or b"").decode().split("\n") if line]


def change(left: list, old: str, new: str = "") -> None:
    """Replace a line of the list, or remove it. Raises Superseded if a newer run has made
    a list of its own meanwhile."""
    lock = store.lock(LOCK)
    try:
        if pending()[:1] != left[:1]:
            raise Superseded
        at = left.index(old)
        left[at:at + 1] = [new] if new else []
        write(left)
    finally:
        if lock is not None:
            os.close(lock)


def follow(plan: Plan, at_boot: bool, patience: float = PATIENCE, first: bool = False) -> None:
    """Do what is left to do. Raises Failure and Waiting.

    first: for a new script, which waits for another run that is about its own list. Else
    the list is that run's.

    At a boot it is left to a unit that comes after docker: what starts then waits for
    this run.
    """
    if not plan.follows() or not pending():
        return
    if at_boot and root.systemd():
        if process.run(["systemctl", "--no-block", "start", "ageenv-after.service"]).code:
            raise Failure(10, "after", "ageenv-after.service cannot be started")
        return
    lock = store.lock(b"after", store.PATIENCE if first else 0)
    if lock is None and not first:
        return
    if lock is None:
        raise Waiting(17, "busy", "the files are in place; another run is still doing what followed its own")
    try:
        work(plan, patience)
    finally:
        os.close(lock)


def work(plan: Plan, patience: float) -> None:
    """Do each thing in its order; what fails or has to wait stays on the list."""
    left, wrong, waiting = pending(), [], []  # type: list, list, list
    for line in list(left):
        kind, _, what = line.partition(" ")
        watch.check()
        if kind not in DO:
            continue
        if kind == "run" and waiting:
            break
        try:
            DO[kind](what)
        except Waiting as e:
            waiting.append(e)
            continue
        except Failure as e:
            wrong.append(e)
            continue
        change(left, line, "settle " + what if kind == "restart" else "")
    until = time.monotonic() + root.seconds(patience)
    for line in [line for line in left if line.startswith("settle ")]:
        name = line[len("settle "):]
        try:
            settle(name, until)
        except Waiting as e:
            waiting.append(e)
            continue
        except Failure as e:
            wrong.append(e)
            change(left, line, "restart " + name)
        else:
            change(left, line)
    for failed in wrong + waiting:
        say(failed.message)
    if wrong:
        raise Failure(10, "after", "the files are in place, but not everything that was to follow could be done")
    if waiting:
        raise Waiting(waiting[0].code, waiting[0].reason, "the files are in place, and something that is to follow has to wait")
    done(left)


def done(left: list) -> None:
    """Remove the list, unless it is a newer run's."""
    lock = store.lock(LOCK)
    try:
        if pending()[:1] == left[:1]:
            drafts.discard(PENDING)
    finally:
        if lock is not None:
            os.close(lock)


def restart(name: str) -> None:
    """Restart a unit. One that has failed for want of its file is over its start limit."""
    if not root.systemd():
        raise Failure(10, "after", "%s is not restarted: there is no systemd to ask below AGEENV_ROOT" % name)
    process.run(["systemctl", "reset-failed", "--", name])
    _restarted[name] = int(time.monotonic() * 1e6)
    if process.run(["systemctl", "--no-block", "restart", "--", name]).code:
        raise Failure(10, "after", "%s cannot be restarted: is there such a unit?" % name)


def settle(name: str, until: float) -> None:
    """Look after a unit, but not if it waits for the end of cloud-init, which waits for
    this run. A unit that has failed and has a job is about to start."""
    if not root.systemd():
        return
    while True:
        out = process.run(["systemctl", "show", "-p", SHOWN, "--", name]).out.decode("utf-8", "replace")
        told = dict(line.partition("=")[::2] for line in out.split("\n"))
        ordered = told.get("After", "").split()
        state = told.get("ActiveState", "")
        if state == "active":
            return
        if "cloud-final.service" in ordered or "cloud-init.target" in ordered:
            say("%s starts when cloud-init is done" % name)
            return
        idle = told.get("Job", "0") in ("", "0")
        if state == "failed" and idle:
            raise Failure(10, "after", "%s fails: see systemctl status %s" % (name, name))
        if state == "inactive" and idle and ended(name, told):
            return
        if time.monotonic() >= until:
            raise Waiting(10, "unit-starting", "%s is not active yet" % name)
        watch.sleep(0.5)


def ended(name: str, told: dict) -> bool:
    """Report whether a unit that is not active has done its work, as a oneshot service has
    that does not remain, or is skipped for a condition. One whose start was given up, as
    for a dependency, has neither."""
    since = _restarted.get(name, 1)
    if int(told.get("InactiveExitTimestampMonotonic") or 0) >= since:
        say("%s has run to its end" % name)
        return True
    if told.get("ConditionResult") == "no" and int(told.get("ConditionTimestampMonotonic") or 0) >= since:
        say("%s is skipped: one of its conditions does not hold" % name)
        return True
    return False


def run(text: str) -> None:
    """Run a command of run_after. Its output goes where this program's goes."""
    got = process.run(["/bin/sh", "-c", text.encode()], timeout=root.seconds(LONGEST), show=True)
    if got.code:
        raise Failure(10, "after", "this command of run_after failed with code %d: %s" % (got.code, text))


def let_go(plan: Plan) -> None:
    """What did not start for want of the files may start now."""
    if not root.systemd():
        return
    for name in [units.DOCKER] + plan.units:
        if process.run(["systemctl", "is-enabled", "-q", "--", name]).code == 0:
            if process.run(["systemctl", "--no-block", "start", "--", name]).code:
                say("%s cannot be started" % name)


DO = {"restart": restart, "recreate": compose.recreate, "run": run}
