"""A packet filter on the root control group, for what systemd's own filters do not see.

systemd attaches to its own units. Groups that others make outside its tree, such as
those of docker's cgroupfs driver, LXC and k3s, have none of its filters; and what
cloud-init starts as another user has cloud-init's allowance. This filter drops packets
to port 80 of the address from both. It lets through what root sends from system.slice,
where systemd's filters hold, and from slices that the plan names.

packet_program.py loads it. It is held by a link with a name in the BPF file system, and
is there as long as the name is. Links exist since Linux 5.7, the very version that lets
any user bind a socket to a device.
"""
import os

from ageenv.plan import Plan

DIRECTORY = b"/sys/fs/bpf/"
PREFIX = "ageenv_metadata_"
# Raise it when the program changes.
EDITION = "1"
GROUPS = b"/sys/fs/cgroup/"


def slices(plan: Plan) -> list:
    """Return the inodes of the groups that are let through. A slice that is stopped has
    none, and another one when it is started again."""
    inodes = []
    for name in ["system.slice"] + named(plan):
        # a-b.slice is in a.slice.
        parts = name[:-len(".slice")].split("-")
        path = "/".join("-".join(parts[:i + 1]) + ".slice" for i in range(len(parts)))
        try:
            inodes.append(os.stat(GROUPS + path.encode()).st_ino)
        except OSError:
            pass
    return inodes


def named(plan: Plan) -> list:
    """Return the slices that the plan names."""
    return [name for name in plan.metadata_units if name.endswith(".slice")]


def name(inodes: list) -> bytes:
    """Return the name that holds the filter for these groups."""
    return (PREFIX + "_".join([EDITION] + ["%x" % inode for inode in inodes])).encode()


def is_attached(plan: Plan) -> bool:
    """Report whether the filter is there."""
    return os.path.exists(DIRECTORY + name(slices(plan)))


def attach(plan: Plan) -> bool:
    """Attach the filter, and remove that of an earlier plan. Reports whether the kernel
    takes it."""
    from ageenv import packet_program
    if named(plan):
        # At a boot, what is to be in a slice comes later than this.
        from ageenv import process
        process.run(["systemctl", "start", "--"] + named(plan))
    inodes = slices(plan)
    if not inodes or not packet_program.attach(inodes, GROUPS, DIRECTORY + name(inodes)):
        return False
    remove(name(inodes))
    return True


def remove(but: bytes = b"") -> None:
    """Remove the filter, but one of that name."""
    try:
        names = os.listdir(DIRECTORY)
    except OSError:
        return
    for found in names:
        if found.startswith(PREFIX.encode()) and found != but:
            try:
                os.unlink(DIRECTORY + found)
            except OSError:
                pass
