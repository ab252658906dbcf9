"""Runs in a process of their own, with a deadline."""
import os

from ageenv import plan as plans
from ageenv import root
from ageenv.failure import Failure, say
from ageenv.plan import Plan

MYPY = False
if MYPY:
    from typing import Callable

    from ageenv.status import Run

# Seconds that a run may take, and each command that follows.
DEADLINE, LONGER = 300, 310
# Added to the exit code of a child whose run waits for something.
WAITS = 64


def installed() -> Plan:
    """Return the plan that was kept."""
    plan = plans.installed()
    if plan is None:
        raise Failure(2, "no-plan", "nothing was ever dropped on this box")
    return plan


def waits(plan: Plan, code: int) -> int:
    """Have systemd try again a run that waits for something. Returns code."""
    if code < 0:
        from ageenv import run
        run.start("ageenv-wait.service")
    return code


def guarded(plan: Plan, work: "Callable", first: bool = False, quiet: bool = False) -> int:
    """Do the work in a process of its own, with a deadline. Returns the exit code,
    below zero if the run waits for something."""
    from ageenv import kernel, run, status, watch
    seconds = DEADLINE + LONGER * (len(plan.compose) + len(plan.commands))
    if root.R:
        seconds = int(os.environ.get("AGEENV_DEADLINE", seconds))
    state = status.Run()

    def child() -> int:
        kernel.protect_memory()
        code = run.conclude(plan, state, lambda: work(state), first, quiet)
        return code + WAITS if state.result == "waiting" else code

    try:
        code = watch.guard(child, seconds)
        # 129 and above are signals.
        return WAITS - code if WAITS < code < 128 else code
    except watch.Died as e:
        return died(plan, state, e.killed, first)


def died(plan: Plan, state: "Run", killed: bool, first: bool) -> int:
    """Say that a run was killed, in a process that may hang as it did."""
    from ageenv import run, watch
    state.reason, state.code = ("deadline", 16) if killed else ("killed", 1)
    say("the run took too long and was killed: what is in place may be old" if killed else "the run was killed: out of memory?")

    def report() -> int:
        if plans.is_current(plan) and (plan.every() or plans.is_late(plan)):
            say("it is tried again at the next boot")
        run.finish(plan, state, first)
        return 0

    try:
        watch.guard(report, 10)
    except watch.Died:
        say("the status file /var/lib/ageenv/status.json cannot be written")
    return state.code
