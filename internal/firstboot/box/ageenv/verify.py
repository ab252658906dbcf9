"""`ageenv verify`: whether what was promised holds, a line for each thing.

The exit code is 1 if anything fails. Values are compared in memory: they are neither
printed nor given to a program.
"""
from ageenv import kernel, main, metadata, verify_containers, verify_copies, verify_files, walk
from ageenv.failure import Failure, say, show, where
from ageenv.plan import Plan, is_late, last_status
from ageenv.report import Report
from ageenv.verify_values import Values

BOX = b"/var/lib/ageenv"
SCHEMES = "http://", "https://"


def verify(plan: Plan, args: list) -> int:
    """Print a line for each thing that can be looked at, and return the exit code."""
    url = args[1] if len(args) == 2 and args[0] == "--health" else ""
    if args and not url.startswith(SCHEMES):
        say(main.USAGE)
        return 64
    kernel.protect_memory()
    report, values = Report(), Values()
    steps = [lambda: verify_last_run(report), lambda: verify_files.verify(plan, values, report), lambda: verify_box(plan, report),
             lambda: verify_copies.verify(report), lambda: metadata.verify(plan, report),
             lambda: verify_containers.verify(values, report), lambda: verify_swap(report)]  # type: list
    for step in steps:
        try:
            step()
        except Failure as e:
            report.failed(e.message)
        except Exception as e:
            report.unseen("what was to be looked at when an unexpected error came: " + where(e))
    if url:
        from ageenv import verify_health
        verify_health.verify(url, report)
    report.unseen("memory, snapshots of the disk, and what root does")
    report.unseen("values of under 8 characters, of lower-case letters alone, and URLs without a password")
    return 1 if report.failures else 0


def verify_last_run(report: Report) -> None:
    """Files of an earlier run may look right and be old."""
    text = last_status()
    if b'"result": "ok"' in text:
        report.passed("the last run put everything in place")
    elif b'"reason": "user-script"' in text:
        report.failed("the user script failed, after the files were put in place: `ageenv status` has its exit code")
    elif b'"result": "waiting"' in text:
        report.failed("the last run waits for something: provide what `ageenv status` gives as the reason")
    else:
        report.failed("the last run did not succeed, and what is in place may be old: look its reason up in `ageenv status`")


def verify_box(plan: Plan, report: Report) -> None:
    """What the program keeps for later boots is root's alone, and so is the identity file."""
    needed = plan.files if is_late(plan) else plan.every()
    paths = [BOX, BOX + b"/plan"] + [f.sealed() for f in needed]
    if needed and plan.identity == "travels":
        paths.append(BOX + b"/identity")
    for path in paths:
        if not verify_files.private(path, report):
            report.failed("%s is missing: deliver the startup script again" % show(path))
    if plan.identity == "file" and not verify_files.private(plan.identity_file, report):
        if needed:
            report.failed("%s is missing, and the files cannot be dropped without it: put it there" % plan.identity_name())
        else:
            report.passed("%s is not there, and is needed no more" % plan.identity_name())


def verify_swap(report: Report) -> None:
    """What is on a tmpfs may be swapped out. /proc/swaps has a line for each, after its first."""
    for line in (walk.read(b"/proc/swaps") or b"").splitlines()[1:]:
        path = line.split()[0]
        name = walk.base(path)
        if name.startswith(b"dm-") and about(name, b"dm/uuid").startswith(b"CRYPT-"):
            report.passed("swap on %s is encrypted" % show(path))
        elif name.startswith(b"zram") and about(name, b"backing_dev") in (b"", b"none"):
            report.passed("swap on %s stays in memory" % show(path))
        else:
            report.unseen("swap, which is on: files on a tmpfs, and what age holds while it opens a payload, may be written to %s: encrypt it" % show(path))


def about(device: bytes, name: bytes) -> bytes:
    """Return what the kernel tells of a block device."""
    try:
        return (walk.read(b"/sys/class/block/" + device + b"/" + name, 4096) or b"").strip()
    except (OSError, Failure):
        return b""
