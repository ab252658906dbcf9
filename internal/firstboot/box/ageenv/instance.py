"""Which box this is, and whether it is a clone of the one that the files are for.

A clone, or a snapshot that was restored to another box, has all that was on the
disk. It is known by cloud-init's instance ID and the serial number that the
hypervisor gives, and only by positive evidence: a box that cannot tell which it is
destroys nothing.
"""
from ageenv import drafts, walk
from ageenv.failure import Failure

RECORD = b"/var/lib/ageenv/box"
INSTANCE = b"/var/lib/cloud/data/instance-id", b"/run/cloud-init/.instance-id"
SERIAL = b"/sys/class/dmi/id/product_serial"
SAME, OTHER, UNKNOWN, NEW = "same", "other", "unknown", "new"
# What firmware has where nobody has set a serial number.
PLACEHOLDERS = b"", b"0", b"none", b"not specified", b"not available", b"default string", b"system serial number", b"to be filled by o.e.m."


def known_instance(text: bytes) -> bytes:
    """Return an instance ID, or nothing if it tells nothing: cloud-init writes
    iid-datasource-none when no data source answers."""
    text = text.strip()
    low = text.lower()
    return b"" if low.endswith(b"-none") or low.startswith(b"nocloud") or low.startswith(b"iid-nocloud") else text


def known_serial(text: bytes) -> bytes:
    """Return a serial number, or nothing if it is a placeholder."""
    text = text.strip()
    return b"" if text.lower() in PLACEHOLDERS else text


def first_line(path: bytes) -> bytes:
    """Return the first line of a small file, or nothing."""
    try:
        return (walk.read(path, 4096) or b"").split(b"\n")[0]
    except (OSError, Failure):
        return b""


def current() -> tuple:
    """Return instance ID and serial number of this box, each empty if unknown.

    At a boot, cloud-init has the ID in /run before it has it in /var.
    """
    instance = b""
    for path in INSTANCE:
        instance = first_line(path) or instance
    return known_instance(instance), known_serial(first_line(SERIAL))


def recorded() -> "tuple | None":
    """Return what was recorded, in the same form."""
    text = walk.read(RECORD, 8192)
    if text is None:
        return None
    lines = text.split(b"\n") + [b"", b""]
    return known_instance(lines[0]), known_serial(lines[1])


def verdict(was: "tuple | None", now: tuple) -> str:
    """Compare: both serial numbers decide, else both instance IDs, else it is unknown.
    NEW: there is nothing to compare with."""
    if was is None or not any(was):
        return NEW
    for i in 1, 0:
        if was[i] and now[i]:
            return SAME if was[i] == now[i] else OTHER
    return UNKNOWN


def record() -> None:
    """Record which box this is. What is unknown now does not replace what is known,
    unless that is another box's."""
    now, was = current(), recorded()
    if was is not None and verdict(was, now) != OTHER:
        now = now[0] or was[0], now[1] or was[1]
    drafts.write(RECORD, b"%s\n%s\n" % now)
