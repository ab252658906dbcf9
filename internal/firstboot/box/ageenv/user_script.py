"""The user's own script: it runs once per instance, after the files are in place.

It runs as cloud-init runs a script, and outside of any deadline: the files are in
place then, what follows them is done, and the status is written. So a script that
hangs keeps only the end of cloud-init waiting, as it would without this program.
"""
import os
import signal

from ageenv import drafts, metrics, root, status, store, units, walk, watch
from ageenv.failure import Failure, say
from ageenv.plan import Plan, last_status

PROGRAM = b"/var/lib/ageenv/user-script"
# A word and an exit code; no file while the script waits for the files.
STATE = b"/var/lib/ageenv/user-script.state"
# Held while it runs.
LOCK = b"user-script.lock"


def state() -> tuple:
    """Return what has become of the script, and its exit code."""
    name, _, code = (walk.read(STATE, 64) or b"waiting 0").decode().partition(" ")
    if name == "running":
        lock = store.lock(LOCK, 0)
        if lock is not None:
            os.close(lock)
            name = "interrupted"
    return name, int(code)


def note(name: str, code: int = 0) -> None:
    """Replace what state returns."""
    drafts.write(STATE, b"%s %d\n" % (name.encode(), code))


def ready() -> None:
    """The files are in place: the script is due, unless this instance has run one."""
    if state()[0] == "waiting":
        note("due")


def forget() -> None:
    """What another instance has run does not count."""
    drafts.discard(STATE)


def start() -> None:
    """Have systemd run a script that is due."""
    from ageenv import run as runs
    if state()[0] == "due":
        runs.start(units.USER_SCRIPT)


def run(plan: Plan) -> int:
    """Run the script if it is due, and report how it went. Returns 0 or its failure's
    code."""
    lock = store.lock(LOCK, 0)
    if lock is None:
        return 0
    try:
        if state()[0] != "due":
            return 0
        drafts.write(PROGRAM, plan.user_script.encode(), 0o700)
        report(plan, "running", 0)
        code = execute(root.R + PROGRAM)
        report(plan, "failed" if code else "ok", code)
        if code:
            raise Failure(18, "user-script", "the files are in place, and the user script failed with code %d" % code)
    except Failure as e:
        say(e.message)
        return e.code
    except OSError:
        say("the user script or its state cannot be written to /var/lib/ageenv: disk full, or read-only?")
        return 8
    finally:
        os.close(lock)
    return 0


def execute(path: bytes) -> int:
    """Run a program and wait for its end, however long that takes. Signals are passed
    on. Returns its exit code, or 128 and the number of a signal."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watch.SIGNALS)
    pid = os.fork()
    if pid == 0:
        become(path)

    def pass_on(number: int, _frame: object) -> None:
        try:
            os.kill(pid, number)
        except OSError:
            pass

    for number in watch.SIGNALS:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask - set(watch.SIGNALS))
    _, ended = os.waitpid(pid, 0)
    watch.listen()
    return os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else 128 + os.WTERMSIG(ended)


def become(path: bytes) -> None:
    """Become the program, with nothing of this one: no input, no open file, no
    environment of ours. Never returns."""
    try:
        import resource
        for number in range(1, signal.NSIG):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                pass
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.RLIM_INFINITY))
        except (OSError, ValueError):
            pass
        os.umask(0o022)
        os.chdir(root.R or b"/")
        # The script that carried the identity is standard input.
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
            try:
                os.set_inheritable(fd, fd <= 2)
            except OSError:
                pass  # the directory's own
        os.environ.pop("LC_ALL", None)
        os.execve(path, [path], os.environ)
    except BaseException:
        say("the user script cannot be started: is its interpreter on the box?")
    finally:
        os._exit(127)


def report(plan: Plan, name: str, code: int) -> None:
    """Note what has become of the script, and tell status and metrics."""
    note(name, code)
    run, changes = status.Run(), {"user_script": status.quote(name), "user_script_exit_code": str(code)}
    lines = last_status().decode().split("\n")
    told = dict(line.strip(" ,").partition(": ")[::2] for line in lines if line.startswith('  "'))
    if name == "failed" and told.get('"result"') == '"ok"':
        run.reason, run.code, run.metadata = "user-script", 18, told['"metadata"'].strip('"')
        changes.update(result=status.quote(run.result), reason=status.quote(run.reason), exit_code=str(run.code))
        metrics.write(plan, run)
    for i, line in enumerate(lines):
        field = line.partition('": ')[0][3:]
        if line.startswith('  "') and field in changes:
            lines[i] = '  "%s": %s%s' % (field, changes[field], "," if line.endswith(",") else "")
    if told:
        status.put("\n".join(lines).encode(), False)
