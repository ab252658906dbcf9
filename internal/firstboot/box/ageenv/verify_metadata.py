"""Every way to the metadata service that can be tried on this box, tried."""
import os

from ageenv import fence, probe, process, root
from ageenv.plan import Plan
from ageenv.report import Report
from ageenv.ways import NOBODY, Attempt, Told

GROUPS = "/sys/fs/cgroup"
USERS = ((0, "root"), (NOBODY, "other users"))
OTHERS = USERS[1:]
# How many groups are tried at the same time, and in all.
TOGETHER, MOST = 16, 128
AGAIN = "run `ageenv close` as root and read its message, then verify again"
UNSEEN = (
    "the metadata service as containers find it that may open packet sockets (CAP_NET_RAW) on the host's network or on a macvlan: no filter sees these packets",
    "the metadata service as virtual machines find it that are on the network of eth0 itself",
    "the metadata service as root finds it who takes the fence down, or starts a unit with IPAddressAllow=",
)


def verify(plan: Plan, report: Report) -> None:
    """Try, and report."""
    if not plan.block_metadata:
        report.unseen("the metadata service: block_metadata is false")
        return
    if root.R:
        report.unseen("the metadata service: it is not tried below AGEENV_ROOT")
        return
    own = fence.allowed_groups(plan)
    if here()[1] not in own:
        judge(report, "this process's unit", [(who, Told(Attempt(uid).line())) for uid, who in USERS])
    new_units(report)
    outside(report)
    let_through = allowances(plan, report)
    running(report, own | let_through)
    bridges(report)
    for name in plan.metadata_units:
        report.unseen("the metadata service as %s finds it: the plan lets it through" % name)
    for text in UNSEEN:
        report.unseen(text)


def judge(report: Report, where: str, found: list) -> None:
    """Report what users have found in one place."""
    open_to = [(who, told) for who, told in found if told.is_open()]
    for who, told in open_to:
        if told.tried:
            fault = "is open to %s in %s" if told.answered else "does not answer %s in %s, but nothing drops what is sent"
            report.failed("the metadata service %s, by %s: %s" % (fault % (who, where), probe.names(told.answered or told.silent), AGAIN))
        else:
            report.unseen("the metadata service as %s find it in %s: it cannot be tried there" % (who, where))
    if not open_to:
        report.passed("the metadata service is closed to %s in %s, by sockets plain and bound to each device" % (" and ".join(who for who, _ in found), where))


def new_units(report: Report) -> None:
    """Try in units that are started for it."""
    allow = "--property=IPAddressAllow=" + fence.ADDRESS
    for where, users, options in (
            ("a new service", USERS, ()), ("a new unit in user.slice", USERS, ("--slice=user.slice",)), ("cloud-init's own units", OTHERS, (allow,))):
        told = probe.in_new_unit(tuple(uid for uid, _ in users), *list(options))
        judge(report, where, [(who, t) for (_, who), t in zip(users, told)])


def outside(report: Report) -> None:
    """Try in a group outside systemd's tree, as docker's cgroupfs driver makes them."""
    group = "%s/ageenv-%d" % (GROUPS, os.getpid())
    where = "a control group that is not systemd's"
    try:
        os.mkdir(group)
    except OSError:
        report.unseen("the metadata service in %s: none can be made" % where)
        return
    try:
        attempts = [(who, Attempt(uid, group=group)) for uid, who in USERS]
        judge(report, where, [(who, Told(attempt.line())) for who, attempt in attempts])
    finally:
        try:
            os.rmdir(group)
        except OSError:
            pass


def here() -> tuple:
    """Return this process's network and control group."""
    return place("self")


def place(pid: str) -> tuple:
    """Return network and control group of a process. Raises OSError."""
    with open("/proc/%s/cgroup" % pid, "rb") as f:
        for line in f:
            if line.startswith(b"0::"):
                # A user names groups of their own in any bytes.
                return os.readlink("/proc/%s/ns/net" % pid), os.fsdecode(line[3:].rstrip(b"\n"))
    raise OSError(0, "")


def processes() -> dict:
    """Return a process for each pair of a network and a control group."""
    found = {}  # type: dict
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and os.readlink("/proc/%s/exe" % pid):
                found.setdefault(place(pid), int(pid))
        except OSError:
            continue
    return found


def running(report: Report, known: set) -> None:
    """Try in the groups and networks of what runs here, containers among it, but for groups that are known to get through."""
    network, _ = here()
    places = [(group, 0 if net == network else pid) for (net, group), pid in sorted(processes().items())
              if group not in known and not group.endswith("/") and ".." not in group.split("/")]
    tried, containers = 0, 0
    for start in range(0, min(len(places), MOST), TOGETHER):
        attempts = [(group, pid, [(who, Attempt(uid, group=GROUPS + group, network=pid)) for uid, who in USERS]) for group, pid in places[start:start + TOGETHER]]
        for group, pid, pair in attempts:
            found = [(who, Told(attempt.line())) for who, attempt in pair]
            if any(told.is_open() for _, told in found):
                judge(report, group + (" in a network of its own" if pid else ""), found)
            else:
                tried, containers = tried + 1, containers + bool(pid)
    if tried:
        report.passed("the metadata service is closed in %d control groups that have processes, %d of them with a network of their own" % (tried, containers))
    if len(places) > MOST:
        report.unseen("the metadata service in %d more control groups: only %d are tried" % (len(places) - MOST, MOST))


def bridges(report: Report) -> None:
    """Ask the kernel what it would do with a packet from behind each bridge."""
    try:
        names = sorted(os.listdir("/sys/class/net"))
    except OSError:
        names = []
    for name in names:
        if not os.path.isdir("/sys/class/net/%s/bridge" % name):
            continue
        words = process.run(["ip", "-4", "-o", "addr", "show", "dev", name]).out.decode("utf-8", "replace").split()
        if "inet" not in words:
            continue
        neighbor = words[words.index("inet") + 1].partition("/")[0].rpartition(".")[0] + ".253"
        if process.run(["ip", "-4", "route", "get", fence.ADDRESS, "from", neighbor, "iif", name, "ipproto", "6", "dport", "80"]).code:
            report.passed("the metadata service is closed to what is forwarded from %s" % name)
        else:
            report.failed("the metadata service is open to what is forwarded from %s: %s" % (name, AGAIN))


def allowances(plan: Plan, report: Report) -> set:
    """Look for units of others that systemd lets through, and return their groups."""
    ours = set(plan.metadata_units) | set(fence.unit_names())
    out = process.run(["systemctl", "show", "--property=Id", "--property=ControlGroup", "--property=IPAddressAllow", "*"]).out.decode("utf-8", "surrogateescape")
    groups = set()
    for block in out.split("\n\n"):
        told = dict(line.partition("=")[::2] for line in block.splitlines())
        if told.get("Id") in ours or not any(covers(network) for network in told.get("IPAddressAllow", "").split()):
            continue
        report.failed("the metadata service is open to root in %s, which has IPAddressAllow=%s: narrow that, or name the unit in metadata_units"
                      % (told.get("Id"), told["IPAddressAllow"]))
        groups.add(told.get("ControlGroup"))
    return groups


def covers(network: str) -> bool:
    """Report whether a network, as 169.254.0.0/16, has the address in it."""
    address, _, bits = network.partition("/")
    if address.count(".") != 3 or not bits.isdigit():
        return False

    def number(text: str) -> int:
        value = 0
        for part in text.split("."):
            value = value << 8 | int(part)
        return value >> 32 - int(bits)

    return number(address) == number(fence.ADDRESS)
