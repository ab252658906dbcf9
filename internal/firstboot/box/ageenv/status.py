"""The status file: what the last run did. It holds no value."""
import time

from ageenv import drafts, store, walk
from ageenv.failure import Failure, say, show
from ageenv.plan import STATUS, STATUS_IN_RUN, WORDS, Plan, last_status

SUCCESS = b"/var/lib/ageenv/success"


class Run:
    """How the run has gone so far."""

    def __init__(self) -> None:
        self.result = "failed"  # "ok", "failed" or "waiting".
        self.reason = "unexpected"
        self.code = 1
        # The reason of a run that succeeds all the same.
        self.remark = ""
        self.decryptor = "none"  # "age" or "python".
        self.metadata = "untouched"  # "closed", or "open" if it was to be closed.


def quote(text: str) -> str:
    """Return text that prints as JSON. Prometheus escapes a label in the same way."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def fields(pairs: list, separator: str) -> str:
    """Return pairs of a name and JSON as they are in an object."""
    return separator.join("%s: %s" % (quote(name), value) for name, value in pairs)


def text(plan: Plan, run: Run) -> str:
    """Return the status as JSON."""
    files = []
    for f in plan.files:
        files.append("\n    {%s}" % fields([
            ("path", quote(f.name)), ("layout", quote(f.layout)), ("owner", quote(f.owner)), ("group", quote(f.group)),
            ("mode", quote("%04o" % f.mode)), ("source_digest", quote(f.digest)), ("state", quote(f.state))], ", "))
    name, code = "none", 0
    if plan.user_script:
        from ageenv import user_script
        name, code = user_script.state()
    return "{\n  %s\n}\n" % fields([
        ("template_version", quote(plan.version)), ("name", quote(plan.name)),
        ("time", quote(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))), ("result", quote(run.result)),
        ("reason", quote(run.reason)), ("exit_code", str(run.code)), ("decryptor", quote(run.decryptor)),
        ("metadata", quote(run.metadata)), ("user_script", quote(name)), ("user_script_exit_code", str(code)), ("files", "[%s\n  ]" % ",".join(files))], ",\n  ")


def recall(plan: Plan, run: Run) -> None:
    """Start from what the last run has left: this one may find out less."""
    try:
        told = eval(last_status().decode() or "{}", dict(WORDS))
    except (OSError, Failure, SyntaxError, ValueError, NameError):
        return
    run.result, run.reason, run.code = told.get("result", run.result), told.get("reason", run.reason), told.get("exit_code", run.code)
    run.decryptor, run.metadata = told.get("decryptor", run.decryptor), told.get("metadata", run.metadata)
    states = {(f["path"], f["source_digest"]): f["state"] for f in told.get("files", [])}
    for f in plan.files:
        f.state = states.get((f.name, f.digest), f.state)


def write(plan: Plan, run: Run) -> None:
    """Replace the status file. Raises Failure or OSError."""
    put(text(plan, run).encode(), run.result == "ok")


def put(told: bytes, success: bool) -> None:
    """Replace the status file: in /run where the disk cannot be written. success: note the
    time of one, too."""
    files = [(STATUS, told, 0o600)]
    if success:
        files.append((SUCCESS, b"%d\n" % time.time(), 0o600))
    try:
        drafts.write_all(files)
    except (OSError, Failure):
        say("%s cannot be written: until the next boot the status is in %s" % (show(STATUS), show(STATUS_IN_RUN)))
        store.make(store.RUN).close()
        drafts.write(STATUS_IN_RUN, told)
    else:
        drafts.discard(STATUS_IN_RUN)


def last_success() -> int:
    """Return when a run last put everything in place; 0 if none has."""
    try:
        return int(walk.read(SUCCESS, 64) or b"0")
    except (OSError, ValueError, Failure):
        return 0
