"""The packet filter's program, and the system calls that load it: bpf(2)."""
import os
import struct

ADDRESS, PORT = bytes((169, 254, 169, 254)), 80
# The depth of a group is 1, but in a container's view it is not known.
DEPTHS = range(1, 9)
# Commands, types, and helpers, by their numbers in linux/bpf.h.
PROG_LOAD, OBJ_PIN, LINK_CREATE = 5, 6, 28
CGROUP_SKB, CGROUP_INET_EGRESS = 8, 1
LOAD_BYTES, SOCKET_UID, ANCESTOR_GROUP = 26, 47, 83
SYSTEM_CALLS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351}
PASS, DROP = "pass", "drop"


def instruction(code: int, to: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    """Return an instruction."""
    low, high = (source, to) if struct.pack("=H", 1)[0] == 0 else (to, source)
    return struct.pack("=BBhi", code, low | high << 4, offset, value)


def native(data: bytes) -> int:
    """Return bytes of a packet as a load of them gives them."""
    return int(struct.unpack("=i" if len(data) == 4 else "=H", data)[0])


def program(inodes: list) -> bytes:
    """Return the program for groups with these inodes. r6 is the packet."""
    groups = []
    for inode in inodes:
        for depth in DEPTHS:
            groups += [
                instruction(0xbf, 1, 6), instruction(0xb7, 2, value=depth), instruction(0x85, value=ANCESTOR_GROUP),
                # A number of 64 bits takes the place of two instructions.
                instruction(0x18, 1, value=signed(inode & 0xffffffff)) + instruction(0, value=signed(inode >> 32)),
                (0x1d, 0, 1, PASS, 0),
            ]
    lines = [
        instruction(0xbf, 6, 1), instruction(0x61, 2, 6, 16), (0x55, 2, 0, PASS, native(struct.pack("!H", 0x0800))),
        instruction(0xb7, 2, value=0), instruction(0xbf, 3, 10), instruction(0x07, 3, value=-24), instruction(0xb7, 4, value=20),
        instruction(0x85, value=LOAD_BYTES), (0x55, 0, 0, PASS, 0),
        instruction(0x61, 1, 10, -8), (0x56, 1, 0, PASS, native(ADDRESS)),
        # The ports are after a header whose length is in its first byte.
        instruction(0xbf, 1, 6), instruction(0x71, 2, 10, -24), instruction(0x57, 2, value=15), instruction(0x67, 2, value=2),
        instruction(0x07, 2, value=2), instruction(0xbf, 3, 10), instruction(0x07, 3, value=-24), instruction(0xb7, 4, value=2),
        instruction(0x85, value=LOAD_BYTES), (0x55, 0, 0, DROP, 0),
        instruction(0x69, 1, 10, -24), (0x55, 1, 0, PASS, native(struct.pack("!H", PORT))),
        instruction(0xbf, 1, 6), instruction(0x85, value=SOCKET_UID), (0x55, 0, 0, DROP, 0),
    ] + groups + [
        DROP, instruction(0xb7, 0, value=0), instruction(0x95), PASS, instruction(0xb7, 0, value=1), instruction(0x95)]
    return assemble(lines)


def signed(value: int) -> int:
    """Return 32 bits as a signed number."""
    return value - (1 << 32) if value >> 31 else value


def assemble(lines: list) -> bytes:
    """Join instructions; text is a label, and a tuple a jump to one."""
    at, labels = 0, {}
    for line in lines:
        if isinstance(line, str):
            labels[line] = at
        else:
            at += len(line) // 8 if isinstance(line, bytes) else 1
    code = b""
    for line in lines:
        if isinstance(line, bytes):
            code += line
        elif isinstance(line, tuple):
            op, to, source, label, value = line
            code += instruction(op, to, source, labels[label] - len(code) // 8 - 1, value)
    return code


def attach(inodes: list, group: bytes, name: bytes) -> bool:
    """Load the program, attach it to a group, and give it a name in the BPF file system.
    Reports whether the kernel takes it."""
    import ctypes
    number = SYSTEM_CALLS.get(os.uname().machine)
    if number is None:
        return False
    libc = ctypes.CDLL(None, use_errno=True)

    def bpf(command: int, form: str, *values: int) -> int:
        attributes = struct.pack(form, *values).ljust(128, b"\0")
        result = libc.syscall(number, command, ctypes.c_char_p(attributes), len(attributes))
        if result < 0:
            raise OSError(ctypes.get_errno(), "")
        return int(result)

    code = program(inodes)
    buffers = [ctypes.create_string_buffer(data) for data in (code, b"MPL-2.0", name)]
    at_code, at_license, at_name = map(ctypes.addressof, buffers)
    opened = []
    try:
        opened.append(os.open(group, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        opened.append(bpf(PROG_LOAD, "=IIQQIIQ", CGROUP_SKB, len(code) // 8, at_code, at_license, 0, 0, 0))
        opened.append(bpf(LINK_CREATE, "=IIII", opened[1], opened[0], CGROUP_INET_EGRESS, 0))
        try:
            # A name does not tell whether its link still holds.
            os.unlink(name)
        except FileNotFoundError:
            pass
        bpf(OBJ_PIN, "=QI", at_name, opened[2])
        return True
    except OSError:
        return False
    finally:
        for fd in opened:
            os.close(fd)
