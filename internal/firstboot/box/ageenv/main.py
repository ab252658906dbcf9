"""The commands, and which process does what."""
import os
import sys

from ageenv import plan as plans
from ageenv import failure, root
from ageenv.failure import Failure, say, where
from ageenv.plan import Plan
from ageenv.supervise import guarded, installed, waits

MYPY = False
if MYPY:
    from ageenv.status import Run

USAGE = "usage: ageenv drop | status | verify [--health URL] | close"


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
    commands = {"close": close, "close --quick": close_quickly, "tighten": tighten, "status": show_status, "user-script": run_user_script}
    if not root.R and os.geteuid():
        raise Failure(2, "not-root", "not root: run it as root")
    if name in ("drop", "after", "wait") and len(args) == 1:
        from ageenv import later
        code = {"drop": later.drop, "after": later.after, "wait": later.wait}[name]()
        if name != "after" and code != 11:
            start_user_script()
        return code
    if name == "verify":
        from ageenv import verify
        return verify.verify(installed(), args[1:])
    line = " ".join(args)
    if line not in commands:
        say(USAGE)
        return 64
    return commands[line]()


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
        run.keep_closed(plan, state, sections[0])
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


def close_metadata(quick: bool) -> int:
    """Close the metadata service."""
    from ageenv import metadata
    return 1 if metadata.close(installed(), quick) == "open" else 0


def close() -> int:
    """Close the metadata service by hand, whatever is closed already."""
    return close_metadata(quick=False)


def close_quickly() -> int:
    """Close the metadata service at a boot, before the network is up."""
    return close_metadata(quick=True)


def tighten() -> int:
    """Take cloud-init's copies of the script from others."""
    plan = plans.installed()
    if plan is not None:
        from ageenv import metadata
        metadata.tighten(plan)
    return 0


def show_status() -> int:
    """Print the status file."""
    text = plans.last_status()
    if not text:
        raise Failure(2, "no-plan", "nothing was ever dropped on this box")
    failure.write(1, text.decode())
    return 0
