"""The metadata service shows the script, and an identity in it, to everybody who asks.

What closes it, and to whom: fence.py, to all units of systemd's, whatever their sockets
are bound to; packet_filter.py, to groups outside systemd's tree, and to other users in
cloud-init's own units; routes.py, to what is forwarded, and to other users' plain
sockets. cloud-init's copies are another way to read the script: copies.py. That it is
closed is only said after somebody has tried: ways.py, probe.py.
"""
from ageenv import root, walk
from ageenv.failure import Failure, say
from ageenv.plan import PATH, Plan

MYPY = False
if MYPY:
    from ageenv.report import Report

CLOSED, OPEN, UNTOUCHED = "closed", "open", "untouched"
STAYS_OPEN = "the metadata service stays open"


def close(plan: Plan, quick: bool = True) -> str:
    """Close the service to all but cloud-init and the units that the plan names.

    Returns "closed" if trying has shown it, else "open"; "untouched" if the plan does not
    ask for it: what an earlier plan has closed is open again then. quick: where the fence
    is up around this process, it is up, and this does not start a single program.
    """
    if root.R:
        # There is no network of its own below a prefix.
        return OPEN if plan.block_metadata else UNTOUCHED
    if not plan.block_metadata:
        from ageenv import fence
        if fence.traces():
            open_again(plan)
        return UNTOUCHED
    from ageenv import packet_filter, ways
    found = ways.Told(ways.Attempt(ways.NOBODY, quick=True).line())
    routed = found.routed
    if not routed:
        from ageenv import routes
        routed = routes.add()
    filtered = quick and packet_filter.is_attached(plan) or packet_filter.attach(plan)
    if not filtered:
        say(STAYS_OPEN + " to control groups that are not systemd's, and to other users in cloud-init's units: "
            "the kernel does not take a packet filter, which needs Linux 5.7 or later, cgroup v2, and /sys/fs/bpf")
    is_up = quick and found.fenced and not found.is_open() and routed and walk.read(PATH) == plan.text
    return CLOSED if (is_up or raise_fence(plan, routed)) and filtered else OPEN


def raise_fence(plan: Plan, routed: bool) -> bool:
    """Have systemd close the service, and try. Reports whether it is closed."""
    from ageenv import fence, probe
    try:
        fence.write(plan)
    except (OSError, Failure):
        say(STAYS_OPEN + ": the drop-ins for systemd cannot be written in /etc/systemd/system")
        return False
    if not fence.apply():
        say(STAYS_OPEN + ": systemctl fails")
        return False
    found = [(where, told) for where, told in probe.everywhere() if told.is_open()]
    for where, told in found:
        say("%s to other users in %s: %s" % (STAYS_OPEN, where, probe.names(told.answered + told.silent) or "nothing can be tried there"))
    if not routed:
        say(STAYS_OPEN + " to containers: there is no ip program, or it or the kernel does not take the rules")
    return routed and not found


def drop_ins(plan: Plan) -> list:
    """Return the unit files that later boots need: path, text and mode."""
    if not plan.block_metadata:
        return []
    from ageenv import fence
    return [(path, text, 0o644) for path, text in fence.files(plan).items()]


def open_again(plan: Plan) -> None:
    """Take everything back that close does on this box, and leave no trace."""
    if root.R:
        return
    from ageenv import fence, packet_filter, routes
    routes.remove()
    packet_filter.remove()
    if not fence.remove():
        say("systemctl fails: the metadata service may be closed until the next boot")


def tighten(plan: Plan) -> None:
    """Make cloud-init's copies of the script root's alone."""
    if plan.block_metadata:
        from ageenv import copies
        copies.tighten()


def verify(plan: Plan, report: "Report") -> None:
    """Try every way that can be tried here, and report it."""
    from ageenv import verify_metadata
    verify_metadata.verify(plan, report)
