"""The commands, and which process does what."""
import os
import sys

from ageenv import plan as plans
from ageenv import failure, root, walk
from ageenv.failure import Failure, say, where
from ageenv.plan import Plan

MYPY = False
if MYPY:
    from typing import Callable

    from ageenv.run import Run

USAGE = "usage: ageenv drop | status | verify [--health URL]"
# Seconds that a run may take, and each command that follows.
DEADLINE, LONGER = 300, 310
# How long, and how often, a box tries again.
WAIT, PAUSE = 15 * 60, 5
# Added to the exit code of a child whose run waits for something.
WAITS = 64


def main(sections: "list | None") -> None:
    """Run the program, and end the process. sections: what the startup script carries,
    at the first boot."""
    os.umask(0o077)
    # Nothing that is opened later may become standard input or output.
    while os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC) < 2:
        pass
    root.set_path()
    code = 1
    try:
        code = command(sys.argv[1:]) if sections is None else first(sections)
    except Failure as e:
        say(e.message)
        code = e.code
    except BaseException as e:
        # A traceback quotes lines, and an error what it was about.
        say("unexpected: " + where(e))
    os._exit(code)


def command(args: list) -> int:
    """Do what the command line says."""
    name = args[0] if args else ""
    commands = {"drop": drop, "after": after, "wait": wait, "close": close, "tighten": tighten, "status": show_status,
                "user-script": run_user_script}
    if name == "verify":
        from ageenv import verify
        return verify.verify(installed(), args[1:])
    if name not in commands or len(args) > 1:
        say(USAGE)
        return 64
    code = commands[name]()
    if name in ("drop", "wait") and code != 11:
        start_user_script()
    return code


def installed() -> Plan:
    """Return the plan that was kept."""
    plan = plans.installed()
    if plan is None:
        raise Failure(2, "no-plan", "nothing was ever dropped on this box")
    return plan


def first(sections: list) -> int:
    """The first boot: what the startup script hands over is dropped."""
    from ageenv import base85, kernel, run
    release(os.fsencode(sys.argv[1]))
    kernel.protect_memory()
    plan = Plan(sections[1])
    opens = sections[2].strip() + b"\n" if sections[2].strip() else None
    script = run.Script(sections[0], opens, [base85.decode(text) for text in sections[3:-1]])

    def work(state: "Run") -> None:
        run.close_all(plan, state)
        run.drop(plan, state, run.FIRST, script)

    # For cloud-init, a run that waits for something is done.
    code = max(waits(plan, guarded(plan, work, first=True)), 0)
    if plan.user_script:
        from ageenv import user_script
        failed = user_script.run(plan)
        code = code or failed
    return code


def release(private: bytes) -> None:
    """Remove the directory in which shells have put here-documents, and its ramfs."""
    if not private:
        return
    from ageenv import process
    if not root.R:
        process.run(["umount", "-l", os.fsdecode(private)])
    try:
        os.rmdir(private)
    except OSError:
        say("%s cannot be removed" % os.fsdecode(private))


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
        return died(plan, state, e.killed)


def died(plan: Plan, state: "Run", killed: bool) -> int:
    """Say that a run was killed, in a process that may hang as it did."""
    from ageenv import run, watch
    state.reason, state.code = ("deadline", 16) if killed else ("killed", 1)
    say("the run took too long and was killed: what is in place may be old; it is tried again at the next boot" if killed
        else "the run was killed: out of memory?")

    def report() -> int:
        run.finish(plan, state)
        return 0

    try:
        watch.guard(report, 10)
    except watch.Died:
        say("the status file /var/lib/ageenv/status.json cannot be written")
    return state.code


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
    if not plan.every() and not plans.is_late() and not unknown and not was_unknown():
        return idle(plan)
    return again(plan, lambda: None, True, "unknown-instance" if unknown else "")


def refuse(code: int, reason: str, message: str) -> None:
    """Raise a failure."""
    raise Failure(code, reason, message)


def was_unknown() -> bool:
    """Report whether the last boot could not tell which box this is."""
    return b'"unknown-instance"' in (walk.read(b"/var/lib/ageenv/status.json") or b"")


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
        from ageenv import metadata
        metadata.tighten(plan)
        metadata.close(plan)
    if plan.follows():
        from ageenv import after as follow
        follow.follow(plan, True)
    return 0


def after() -> int:
    """What follows new files, at a later boot."""
    from ageenv import after as follow
    plan = installed()
    if not follow.pending():
        return 0
    return abs(waits(plan, guarded(plan, lambda _state: follow.follow(plan, False))))


def wait() -> int:
    """Try again, until what is missing is there or a quarter of an hour has gone."""
    import time
    from ageenv import after as follow
    from ageenv import run, watch
    plan = installed()
    until = time.monotonic() + WAIT

    def work(state: "Run") -> None:
        run.close_all(plan, state)
        if plans.is_late() or plan.every():
            run.drop(plan, state, run.WAIT, None)
        else:
            follow.follow(plan, False, 0)

    watch.listen()
    while True:
        last = time.monotonic() >= until
        code = guarded(plan, work, quiet=not last)
        if code >= 0 or last:
            return abs(code)
        watch.sleep(PAUSE)


def start_user_script() -> None:
    """Files that had to wait may be in place now."""
    plan = plans.installed()
    if plan is not None and plan.user_script:
        from ageenv import user_script
        user_script.start()


def run_user_script() -> int:
    """Run the user's script if it is due."""
    from ageenv import user_script
    return user_script.run(installed())


def close() -> int:
    """Close the metadata service, before the network is up."""
    from ageenv import metadata
    return 1 if metadata.close(installed()) == "open" else 0


def tighten() -> int:
    """Take cloud-init's copies of the script from others."""
    plan = plans.installed()
    if plan is not None:
        from ageenv import metadata
        metadata.tighten(plan)
    return 0


def show_status() -> int:
    """Print the status file."""
    text = walk.read(b"/var/lib/ageenv/status.json")
    if text is None:
        raise Failure(2, "no-plan", "nothing was ever dropped on this box")
    failure.write(1, text.decode())
    return 0
