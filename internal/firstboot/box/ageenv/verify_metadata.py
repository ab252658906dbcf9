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
ELSEWHERE = "it is not systemd's: have the program that made it use another parent than system.slice"
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
    if not fence.lets_through(plan, here()[1]):
        judge(report, "this process's unit", [(who, Told(Attempt(uid).line())) for uid, who in USERS])
    new_units(report)
    outside(report)
    rules(report)
    running(plan, report, allowances(plan, report))
    bridges(report)
    for name in plan.metadata_units:
        report.unseen("the metadata service as %s finds it: the plan lets it through" % name)
    for text in UNSEEN:
        report.unseen(text)


def judge(report: Report, where: str, found: list, advice: str = AGAIN) -> None:
    """Report what users have found in one place."""
    open_to = [(who, told) for who, told in found if told.is_open()]
    for who, told in open_to:
        if told.tried:
            fault = "is open to %s in %s" if told.answered else "does not answer %s in %s, but nothing drops what is sent"
            report.failed("the metadata service %s, by %s: %s" % (fault % (who, where), probe.names(told.answered or told.silent), advice))
        else:
            report.unseen("the metadata service in %s, for %s: it cannot be tried there" % (where, who))
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


def rules(report: Report) -> None:
    """Look for the routing rules, as another user meets them."""
    if not Told(Attempt(NOBODY).line()).routed:
        report.failed("the routing rules of the metadata service are missing: " + AGAIN)


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


def running(plan: Plan, report: Report, known: list) -> None:
    """Try in the groups and networks of what runs here, containers among it. known are
    groups that have been reported. What the plan lets through is open to root alone."""
    network, _ = here()
    places = [(group, 0 if net == network else pid) for (net, group), pid in sorted(processes().items())
              if not (group + "/").startswith(tuple(known)) and not group.endswith("/") and ".." not in group.split("/")]
    tried, containers = 0, 0
    for start in range(0, min(len(places), MOST), TOGETHER):
        attempts = [(group, pid, [(who, Attempt(uid, group=GROUPS + group, network=pid)) for uid, who in (OTHERS if fence.lets_through(plan, group) else USERS)])
                    for group, pid in places[start:start + TOGETHER]]
        for group, pid, pair in attempts:
            found = [(who, Told(attempt.line())) for who, attempt in pair]
            if any(told.is_open() for _, told in found):
                judge(report, group + (" in a network of its own" if pid else ""), found, AGAIN if in_unit(group) else ELSEWHERE)
            else:
                tried, containers = tried + 1, containers + bool(pid)
    if tried:
        report.passed("the metadata service is closed in %d control groups that have processes, %d of them with a network of their own" % (tried, containers))
    if len(places) > MOST:
        report.unseen("the metadata service in %d more control groups: only %d are tried" % (len(places) - MOST, MOST))


def in_unit(group: str) -> bool:
    """Report whether a control group has a filter of systemd's, or is outside system.slice
    and so behind the other filter."""
    names = fence.units_of(group)
    return bool(names[0] != "system.slice" or names[-1].endswith((".service", ".scope", ".socket", ".mount")))


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
            if not process.which("ip"):
                report.unseen("what is forwarded from %s: there is no ip program" % name)
            continue
        neighbor = words[words.index("inet") + 1].partition("/")[0].rpartition(".")[0] + ".253"
        if process.run(["ip", "-4", "route", "get", fence.ADDRESS, "from", neighbor, "iif", name, "ipproto", "6", "dport", "80"]).code:
            report.passed("the metadata service is closed to what is forwarded from %s" % name)
        else:
            report.failed("the metadata service is open to what is forwarded from %s: %s" % (name, AGAIN))


def allowances(plan: Plan, report: Report) -> list:
    """Look for units of others that systemd lets through, and return their groups. Outside
    system.slice the packet filter closes them."""
    out = process.run(["systemctl", "show", "--property=Id,ControlGroup,IPAddressAllow,Slice", "*"]).out.decode("utf-8", "surrogateescape")
    groups = []
    for block in out.split("\n\n"):
        told = dict(line.partition("=")[::2] for line in block.splitlines())
        name, place = told.get("Id", ""), told.get("Slice", "")
        if fence.is_named(plan, name) or not any(covers(network) for network in told.get("IPAddressAllow", "").split()):
            continue
        if name not in ("-.slice", "system.slice") and place.partition("-")[0] not in ("system", "system.slice"):
            continue
        report.failed("the metadata service is open to root in %s, which has IPAddressAllow=%s: narrow that, or name the unit in metadata_units"
                      % (name, told["IPAddressAllow"]))
        if told.get("ControlGroup"):
            groups.append(told["ControlGroup"].rstrip("/") + "/")
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
