"""The systemd units of later boots, as text."""
from ageenv.plan import Plan

DIRECTORY = b"/etc/systemd/system/"
DROP_IN = b"ageenv.conf"
PROGRAM = "/usr/local/sbin/ageenv"
USER_SCRIPT = "ageenv-user-script.service"
# Docker may start containers that read the files.
DOCKER = "docker.service"


def unit(*sections: list) -> str:
    """Return a unit file: its sections, each a list of lines that begins with its name.
    Lines that are empty are left out."""
    return "\n".join("\n".join(["[%s]" % lines[0]] + [line for line in lines[1:] if line]) + "\n" for lines in sections)


def quoted(path: str) -> str:
    """Return a path as a word of a unit file: a percent sign begins a specifier there."""
    return '"%s"' % path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def service(plan: Plan, waiting: bool) -> str:
    """Return ageenv.service: what reads the files waits for it, and does not start
    without it, since a container without its secrets is worse than none. It comes
    after the mounts that its files are on, and never after the end of cloud-init.
    waiting: files that are dropped once may be dropped at a later boot, too."""
    network = "network-online.target" if plan.identity == "command" else ""
    mounts = sorted({f.name.rpartition("/")[0] or "/" for f in (plan.files if waiting else plan.every())})
    return unit(
        ["Unit", "Description=ageenv: secret files of this box", network and "Wants=" + network,
         ("After=local-fs.target cloud-init-local.service cloud-init.service cloud-init-network.service " + network).rstrip()]
        + ["RequiresMountsFor=" + quoted(path) for path in mounts]
        + ["Before=" + " ".join([DOCKER] + plan.units), "StartLimitIntervalSec=0"],
        ["Service", "Type=oneshot", "RemainAfterExit=yes", "ExecStart=%s drop" % PROGRAM, "TimeoutStartSec=15min"],
        ["Install", "WantedBy=multi-user.target"])


def after(plan: Plan) -> str:
    """Return ageenv-after.service: what follows new files at later boots."""
    return unit(
        ["Unit", "Description=ageenv: what follows new secret files", "After=" + " ".join(["ageenv.service", DOCKER] + plan.units)],
        ["Service", "Type=oneshot", "ExecStart=%s after" % PROGRAM, "TimeoutStartSec=60min"])


def wait() -> str:
    """Return ageenv-wait.service: it is started where something is missing."""
    return unit(
        ["Unit", "Description=ageenv: wait for what the secret files need", "After=cloud-final.service"],
        ["Service", "ExecStart=%s wait" % PROGRAM])


def user_script() -> str:
    """Return the unit that runs the user's script where the first boot could not. What
    the script leaves running stays, as after cloud-init."""
    return unit(
        ["Unit", "Description=ageenv: the user script of this box", "After=cloud-final.service ageenv.service ageenv-after.service " + DOCKER],
        ["Service", "Type=oneshot", "ExecStart=%s user-script" % PROGRAM, "TimeoutStartSec=infinity", "KillMode=process"])


def waits() -> str:
    """Return the drop-in of a unit that reads the files."""
    return unit(["Unit", "Requires=ageenv.service", "After=ageenv.service"])


def identity_path(plan: Plan) -> str:
    """Return ageenv-identity.path: the files are dropped when the identity appears."""
    return unit(
        ["Unit", "Description=ageenv: the identity that opens the secret files of this box"],
        ["Path", "PathChanged=" + plan.identity_file.decode().replace("%", "%%"), "Unit=ageenv.service"],
        ["Install", "WantedBy=multi-user.target"])
