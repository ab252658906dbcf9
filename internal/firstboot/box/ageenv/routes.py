"""Policy routing, the second fence: no firewall's reload touches it.

It ends the way of other users' plain sockets, and of what is forwarded for a bridged
container or a virtual machine, which has no socket here. Root's own plain sockets pass.
Only TCP port 80. The rules are marked as the kernel's, since systemd-networkd removes
others' when it starts. 6 is TCP: its name is known only where there is an /etc/protocols.
"""
from ageenv import process

PREFERENCES = "90", "91", "92"
TO = "to 169.254.169.254 ipproto 6 dport 80"
RULES = (
    "rule add pref 92 protocol kernel nop",
    "rule add pref 90 protocol kernel %s iif lo uidrange 0-0 goto 92" % TO,
    "rule add pref 91 protocol kernel %s prohibit" % TO,
)


def add() -> bool:
    """Set the rules. Reports whether the kernel and its ip program take them."""
    remove()
    if process.run(["ip", "-4", "-batch", "-"], "".join(rule + "\n" for rule in RULES).encode()).code == 0:
        return True
    remove()
    return False


def remove() -> None:
    """Remove the rules."""
    for preference in PREFERENCES:
        while process.run(["ip", "-4", "rule", "del", "pref", preference, "protocol", "kernel"]).code == 0:
            pass
