"""What reads the files gets to read the new ones.

Nothing here waits for systemd without a bound: the startup script runs inside
cloud-final, and a unit that is ordered after that one starts when the script has
ended. What is left to do is in /var/lib/ageenv/pending, a line each, so that a run
that was killed is made up for and nothing is done twice.
"""
import os
import stat
import time

from ageenv import drafts, process, root, units, walk, watch
from ageenv.failure import Failure, Waiting, say, show
from ageenv.plan import Plan

PENDING = b"/var/lib/ageenv/pending"
# Seconds: for all units together, and for one command.
PATIENCE, LONGEST = 30.0, 300
COMPOSE_FILES = b"compose.yaml", b"compose.yml", b"docker-compose.yaml", b"docker-compose.yml"
# What compose says that can be shown: words of its own, none of a file.
PHRASES = (
    b"no configuration file provided", b"Cannot connect to the Docker daemon", b"port is already allocated", b"pull access denied",
    b"manifest unknown", b"no space left on device", b"is unhealthy", b"permission denied", b"no such file or directory",
    b"could not be found", b"invalid compose project", b"variable is not set", b"env file", b"network is unreachable", b"no such host",
    b"unknown command", b"yaml:", b"is not a docker command",
)


def pend(plan: Plan) -> None:
    """Note everything that is to follow, before the first file is changed."""
    if not plan.follows():
        return
    lines = ["restart " + name for name in plan.units] + ["recreate " + show(path) for path in plan.compose] + ["run " + text for text in plan.commands]
    try:
        write(lines)
    except OSError:
        raise Failure(8, "write", "%s cannot be written" % show(PENDING))


def write(lines: list) -> None:
    """Replace the list of what is left to do."""
    drafts.write(PENDING, "".join(line + "\n" for line in lines).encode())


def pending() -> list:
    """Return what is left to do."""
    return [line for line in (walk.read(PENDING) or b"").decode().split("\n") if line]


def follow(plan: Plan, at_boot: bool, patience: float = PATIENCE) -> None:
    """Do what is left to do. Raises Failure and Waiting.

    At a boot it is left to a unit that comes after docker: what starts then waits for
    this run.
    """
    if not plan.follows() or not pending():
        return
    if at_boot and root.systemd():
        if process.run(["systemctl", "--no-block", "start", "ageenv-after.service"]).code:
            raise Failure(10, "after", "ageenv-after.service cannot be started")
        return
    lock = drafts.lock(b"after", 0)
    if lock is None:
        return
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
        if kind == "restart":
            left.insert(left.index(line), "settle " + what)
        left.remove(line)
        write(left)
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
            left[left.index(line)] = "restart " + name
        else:
            left.remove(line)
        write(left)
    for failed in wrong + waiting:
        say(failed.message)
    if wrong:
        raise Failure(10, "after", "the files are in place, but not everything that was to follow could be done")
    if waiting:
        raise Waiting(waiting[0].code, waiting[0].reason, "the files are in place, and something that is to follow has to wait")
    drafts.discard(PENDING)


def restart(name: str) -> None:
    """Restart a unit. One that has failed for want of its file is over its start limit."""
    if not root.systemd():
        raise Failure(10, "after", "%s is not restarted: there is no systemd to ask below AGEENV_ROOT" % name)
    process.run(["systemctl", "reset-failed", "--", name])
    if process.run(["systemctl", "--no-block", "restart", "--", name]).code:
        raise Failure(10, "after", "%s cannot be restarted: is there such a unit?" % name)


def settle(name: str, until: float) -> None:
    """Look after a unit, but not if it waits for the end of cloud-init, which waits for
    this run. A unit that has failed and has a job is about to start."""
    if not root.systemd():
        return
    while True:
        out = process.run(["systemctl", "show", "-p", "After,ActiveState,Job", "--", name]).out.decode("utf-8", "replace")
        told = dict(line.partition("=")[::2] for line in out.split("\n"))
        ordered = told.get("After", "").split()
        state = told.get("ActiveState", "")
        if state == "active":
            return
        if "cloud-final.service" in ordered or "cloud-init.target" in ordered:
            say("%s starts when cloud-init is done" % name)
            return
        if state == "failed" and told.get("Job", "0") in ("", "0"):
            raise Failure(10, "after", "%s fails: see systemctl status %s" % (name, name))
        if time.monotonic() >= until:
            raise Waiting(10, "unit-starting", "%s is not active yet" % name)
        watch.sleep(0.5)


def recreate(name: str) -> None:
    """Make the containers of a compose project again: they keep the environment that
    they were made with, so a restart would not do."""
    path = name.encode()
    try:
        place = walk.directory(path)
    except FileNotFoundError:
        raise Waiting(10, "compose-missing", "%s is not there yet" % name)
    except OSError:
        raise Failure(10, "after", "%s cannot be opened" % name)
    try:
        if not compose_file(place):
            raise Waiting(10, "compose-missing", "%s has no compose file yet" % name)
        if not place.closed:
            raise Failure(10, "after", "%s can be written by others than root: docker compose is not run there as root, since its files could make anybody root" % name)
        got = process.run(["docker", "compose", "up", "-d", "--force-recreate"], timeout=root.seconds(LONGEST), cwd=place.fd, errors=True)
    finally:
        place.close()
    if got.code == process.TOO_LONG:
        raise Failure(10, "after", "%s: docker compose up took more than %d seconds" % (name, LONGEST))
    if got.code:
        raise Failure(10, "after", "%s: docker compose up -d --force-recreate failed with code %d%s" % (name, got.code, safe(got.out)))


def compose_file(place: walk.Place) -> bool:
    """Report whether a directory has a compose file. One that others can write counts
    as no closed directory."""
    for name in COMPOSE_FILES:
        try:
            st = os.stat(name, dir_fd=place.fd)
        except OSError:
            continue
        if stat.S_ISREG(st.st_mode):
            place.closed = place.closed and root.closed(st)
            return True
    return False


def safe(out: bytes) -> str:
    """Return what compose said, as far as it holds nothing of a file: it quotes the line
    of an env file that it cannot read."""
    said = [phrase.decode() for phrase in PHRASES if phrase.lower() in out.lower()]
    return ' ("%s")' % '", "'.join(said) if said else ""


def run(text: str) -> None:
    """Run a command of run_after. Its output goes where this program's goes."""
    got = process.run(["/bin/sh", "-c", text], timeout=root.seconds(LONGEST), show=True)
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


DO = {"restart": restart, "recreate": recreate, "run": run}
