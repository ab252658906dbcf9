"""systemd's part of closing the metadata service: IPAddressDeny= on the root slice.

systemd attaches a program to the control group of each of its units, which drops what
they send to the address, whoever sends it and however its socket is bound. The drop-in
holds from the first moment of every later boot. cloud-init, and units that the plan
names, get through by IPAddressAllow=.
"""
import os

from ageenv import drafts, process, root, units, walk
from ageenv.failure import say
from ageenv.plan import Plan

ADDRESS = "169.254.169.254"
# An address for examples: RFC 5737.
NOBODYS = "192.0.2.1"
NAME = b"ageenv-metadata.conf"
SERVICE = b"ageenv-metadata.service"
# Where systemctl set-property --runtime writes.
RUNTIME = b"/run/systemd/system.control/-.slice.d"
# Users who log in have slices: there may be any number of them.
MOST_SLICES = 256
STAGES = "cloud-init-main", "cloud-init-local", "cloud-init", "cloud-init-network", "cloud-config", "cloud-final"


def drop_in(name: str) -> bytes:
    """Return the path of a unit's drop-in."""
    return units.DIRECTORY + name.encode() + b".d/" + NAME


def allowances(plan: Plan) -> dict:
    """Return the drop-ins of the root slice and of what may reach the address."""
    allow = "IPAddressAllow=" + ADDRESS
    tighten = "-%s tighten" % units.PROGRAM
    files = {drop_in("-.slice"): units.unit(["Slice", "IPAddressDeny=" + ADDRESS])}
    for name in STAGES:
        files[drop_in(name + ".service")] = units.unit(["Service", allow, "ExecStartPost=" + tighten])
    files[drop_in("cloud-init-hotplugd.service")] = units.unit(["Service", allow, "ExecStopPost=" + tighten])
    for name in plan.metadata_units:
        kind = {"slice": "Slice", "scope": "Scope"}.get(name.rpartition(".")[2], "Service")
        files[drop_in(name)] = units.unit([kind, allow])
    return files


def unit_names() -> list:
    """Return the names of cloud-init's units."""
    return [name + ".service" for name in STAGES + ("cloud-init-hotplugd",)]


def lets_through(plan: Plan, group: str) -> bool:
    """Report whether a control group is that of a unit that may reach the address, or in
    one."""
    return any(is_named(plan, name) for name in units_of(group))


def units_of(group: str) -> list:
    """Return the names of the slices that a control group is in, and of its unit. What is
    below that has names that others give."""
    names = group.split("/")[1:]
    return next((names[:i + 1] for i, name in enumerate(names) if not name.endswith(".slice")), names)


def is_named(plan: Plan, name: str) -> bool:
    """Report whether a unit is cloud-init's, or the plan names it or its template."""
    prefix, _, instance = name.partition("@")
    allowed = unit_names() + plan.metadata_units
    return name in allowed or "%s@.%s" % (prefix, instance.rpartition(".")[2]) in allowed


def service() -> str:
    """Return ageenv-metadata.service, which does the rest at each boot."""
    return units.unit(
        ["Unit", "Description=ageenv: close the metadata service", "DefaultDependencies=no",
         "RequiresMountsFor=/usr/local/sbin /var/lib/ageenv", "Wants=network-pre.target", "Before=network-pre.target shutdown.target",
         "Conflicts=shutdown.target"],
        ["Service", "Type=oneshot", "RemainAfterExit=yes", "ExecStart=%s close --quick" % units.PROGRAM])


def files(plan: Plan) -> dict:
    """Return all unit files and drop-ins, path to text."""
    wanted = allowances(plan)
    wanted[units.DIRECTORY + SERVICE] = service()
    wanted[drop_in("sysinit.target")] = units.unit(["Unit", "Wants=" + SERVICE.decode()])
    return wanted


def write(plan: Plan) -> bool:
    """Write the drop-ins that hold at later boots, and remove those of an earlier plan.
    Reports whether anything was changed. Raises Failure or OSError."""
    wanted = allowances(plan)
    changed = drafts.write_all([(path, text.encode(), 0o644) for path, text in wanted.items()])
    if changed:
        from ageenv import content
        for path in changed:
            content.restore_context(path)
    return sweep(wanted) or bool(changed)


def sweep(wanted: dict) -> bool:
    """Remove our drop-ins that are not wanted. Reports whether there were any."""
    try:
        place = walk.directory(units.DIRECTORY)
    except OSError:
        return False
    fd = walk.reopen(place.fd, walk.LIST & ~os.O_NOFOLLOW)
    place.close()
    removed = False
    keep = drop_in("sysinit.target")
    try:
        for name in map(os.fsencode, os.listdir(fd)):
            path = units.DIRECTORY + name + b"/" + NAME
            if not name.endswith(b".d") or path in wanted or (wanted and path == keep):
                continue
            if drafts.discard(path):
                removed = True
                try:
                    os.rmdir(name, dir_fd=fd)
                except OSError:
                    pass
    finally:
        os.close(fd)
    return removed


def systemctl(*args: str) -> bool:
    """Call systemctl. Reports whether it succeeded."""
    return process.run(["systemctl"] + list(args)).code == 0


def apply() -> bool:
    """Have systemd heed the drop-ins: in units that run, too, which daemon-reload leaves
    as they are. It succeeds where the kernel cannot do it, so somebody has to try."""
    return systemctl("daemon-reload") and deny(ADDRESS)


def deny(*addresses: str) -> bool:
    """Have all units deny these addresses, those that run too. Reports whether it
    succeeded."""
    done = systemctl("set-property", "--runtime", "--", "-.slice", *["IPAddressDeny=" + address for address in addresses or ("",)])
    # After a reload, systemd 257 leaves units that run as they are until another unit
    # is started in their slice. That may be before basic.target, which may wait for us.
    listed = process.run(["systemctl", "list-units", "--type=slice", "--state=active", "--plain", "--no-legend", "--full"]).out.decode()
    for line in listed.splitlines()[:MOST_SLICES]:
        process.run(["systemd-run", "--quiet", "--collect", "--property=DefaultDependencies=no", "--slice=" + line.split()[0], "--", "true"])
    return done


def traces() -> bool:
    """Report whether anything is left that remove would remove."""
    return any(os.path.exists(root.R + path) for path in (drop_in("-.slice"), units.DIRECTORY + SERVICE, RUNTIME + b"/50-IPAddressDeny.conf"))


def remove() -> bool:
    """Take everything back, and leave no trace. Reports whether it succeeded."""
    # Units that run heed a change, and there has to be one. After a reload, systemd 257
    # heeds a change to another address, and then one to none.
    done = deny(NOBODYS) and deny()
    sweep({})
    drafts.discard(units.DIRECTORY + SERVICE)
    clear()
    if not systemctl("daemon-reload"):
        return False
    # What somebody else denies stays.
    others = process.run(["systemctl", "show", "--value", "--property=IPAddressDeny", "--", "-.slice"]).out.decode().split()
    if others:
        done = deny(*others) and done
        clear()
        done = systemctl("daemon-reload") and done
    # It may be this process's own, which is then at its end.
    systemctl("--no-block", "stop", SERVICE.decode())
    if ADDRESS + "/32" in others:
        say("the metadata service stays closed: something else denies its address, see systemctl cat -- -.slice")
    return done


def clear() -> None:
    """Remove what set-property has written."""
    if drafts.discard(RUNTIME + b"/50-IPAddressDeny.conf"):
        for path in RUNTIME, RUNTIME.rpartition(b"/")[0]:
            try:
                os.rmdir(path)
            except OSError:
                return
