"""The commands of later boots: what does not survive a boot, what has to wait, and what
follows."""
import os

from ageenv import plan as plans
from ageenv import root, walk
from ageenv.failure import Failure, say
from ageenv.plan import Plan
from ageenv.supervise import guarded, installed, waits

MYPY = False
if MYPY:
    from typing import Callable

    from ageenv.status import Run

# How long, and how often, a box tries again.
WAIT, PAUSE = 15 * 60, 5
# What the program keeps. Nothing else of it is loaded where there is nothing to do.
BOX = b"/var/lib/ageenv"
# Seconds for the removal of drafts.
SWEEP = 60
# Of the list of drafts.
LIMIT = 16 << 20


def drop() -> int:
    """A later boot, or by hand: what does not survive a boot is dropped again."""
    plan = installed()
    if not os.path.isdir(root.R + b"/run/systemd/system"):
        # By hand, in a root that was changed to: what was left here is for a boot.
        return again(plan, lambda: refuse(12, "no-systemd", "systemd does not run here: nothing is done"))
    from ageenv import instance
    verdict = instance.verdict(instance.recorded(), instance.current())
    if verdict == instance.OTHER:
        from ageenv import keep
        return again(plan, lambda: keep.cast_off(plan))
    unknown = verdict == instance.UNKNOWN
    if not plan.every() and not plans.is_late(plan) and not unknown and not was_unknown():
        return idle(plan)
    return again(plan, lambda: None, True, "unknown-instance" if unknown else "")


def refuse(code: int, reason: str, message: str) -> None:
    """Raise a failure."""
    raise Failure(code, reason, message)


def was_unknown() -> bool:
    """Report whether the last boot could not tell which box this is."""
    return b'"unknown-instance"' in plans.last_status()


def again(plan: Plan, before: "Callable", drops: bool = False, remark: str = "") -> int:
    """Run at a later boot, after before. remark is the reason of a run that succeeds."""
    from ageenv import run

    def work(state: "Run") -> None:
        if plan.block_metadata:
            run.close_all(plan, state)
        before()
        if drops:
            run.drop(plan, state, run.BOOT, None)
        state.remark = remark

    return abs(waits(plan, guarded(plan, work)))


def idle(plan: Plan) -> int:
    """Nothing is dropped at this boot. The status is that of the run that dropped."""
    if plan.block_metadata:
        close_at_boot(plan)
    tidy(plan)
    if plan.follows():
        from ageenv import after as follow
        follow.follow(plan, True)
    return 0


def tidy(plan: Plan) -> None:
    """Remove what a run that was cut off has left, in directories that may hang."""
    if walk.read(BOX + b"/drafts", LIMIT):
        from ageenv import drafts, watch

        def sweep() -> int:
            drafts.sweep()
            return 0

        try:
            watch.guard(sweep, root.seconds(SWEEP))
        except watch.Died:
            say("what an earlier run has left next to its files cannot be removed")
    if any(name.startswith(b"sealed.") or name == b"identity" for name in os.listdir(root.R + BOX)):
        from ageenv import keep
        keep.forget(keep.needed(plan))


def close_at_boot(plan: Plan) -> None:
    """Close what shows the script, and correct the status if that goes otherwise today."""
    from ageenv import metadata, run, status
    metadata.tighten(plan)
    state, now = status.Run(), metadata.close(plan)
    status.recall(plan, state)
    if state.metadata != now:
        state.metadata = now
        run.finish(plan, state)


def after() -> int:
    """What follows new files, at a later boot."""
    from ageenv import after as follow
    from ageenv import status
    plan = installed()
    if not follow.pending():
        return 0

    def work(state: "Run") -> None:
        status.recall(plan, state)
        follow.follow(plan, False)

    return abs(waits(plan, guarded(plan, work)))


def wait() -> int:
    """Try again, until what is missing is there or a quarter of an hour has gone."""
    import time
    from ageenv import after as follow
    from ageenv import run, status, watch
    until, closed = time.monotonic() + WAIT, []  # type: float, list

    def work(plan: Plan, state: "Run") -> None:
        status.recall(plan, state)
        if plan.text not in closed:
            run.close_all(plan, state)
        if plans.is_late(plan) or plan.every():
            run.drop(plan, state, run.WAIT, None)
        else:
            follow.follow(plan, False, 0)

    watch.listen()
    while True:
        # Another script may have run meanwhile, and what that waits for is waited for here.
        plan, last = installed(), time.monotonic() >= until
        code = guarded(plan, lambda state: work(plan, state), quiet=not last)
        closed.append(plan.text)
        if last or code >= 0 and plans.is_current(plan):
            return abs(code)
        if code < 0:
            watch.sleep(PAUSE)
