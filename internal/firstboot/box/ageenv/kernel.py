"""System calls that Python 3.6 does not have."""
import errno
import os

NOREPLACE, EXCHANGE = 1, 2
PR_SET_DUMPABLE, MCL_CURRENT, MCL_FUTURE, CAP_IPC_LOCK = 4, 1, 2, 14
# File systems that cannot do a flag of renameat2 say so in one of these ways.
UNSUPPORTED = errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP


def rename(at: int, old: bytes, new: bytes, flags: int) -> None:
    """Rename within one directory: renameat2(2). Raises OSError."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        # glibc has it from 2.28 on; the system call is older.
        numbers = {"x86_64": 316, "aarch64": 276}
        number = numbers.get(os.uname().machine)
        if number is None:
            raise OSError(errno.ENOSYS, "")
        failed = libc.syscall(number, at, old, at, new, flags)
    else:
        failed = libc.renameat2(at, old, at, new, flags)
    if failed:
        raise OSError(ctypes.get_errno(), "")


def protect_memory() -> None:
    """Keep this process out of swap and core files, as far as the kernel lets it."""
    import ctypes
    import resource
    unlimited = resource.RLIM_INFINITY, resource.RLIM_INFINITY
    for limit, value in (resource.RLIMIT_CORE, (0, 0)), (resource.RLIMIT_MEMLOCK, unlimited):
        try:
            resource.setrlimit(limit, value)
        except (OSError, ValueError):
            pass
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    # With a limit that counts, what is allocated later would fail.
    if resource.getrlimit(resource.RLIMIT_MEMLOCK) == unlimited or may_lock():
        libc.mlockall(MCL_CURRENT | MCL_FUTURE)


def open_more(number: int) -> tuple:
    """Let this process open number files more than usual, as far as the box allows it.
    Returns the limits that it had, for limit_open_files."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        limit_open_files((soft + number if hard == resource.RLIM_INFINITY else min(soft + number, hard), hard))
    return soft, hard


def limit_open_files(limits: tuple) -> None:
    """Set how many files this process may open: what it is now, and at most."""
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[0], limits[1]))


def may_lock() -> bool:
    """Report whether this process may lock memory without a limit: CAP_IPC_LOCK."""
    try:
        with open("/proc/self/status", "rb") as f:
            for line in f:
                if line.startswith(b"CapEff:"):
                    return bool(int(line.split()[1], 16) >> CAP_IPC_LOCK & 1)
    except OSError:
        pass
    return False


def mount_id(fd: int) -> bytes:
    """Return the ID of the mount that an open file is on; empty if it is not known."""
    try:
        with open("/proc/self/fdinfo/%d" % fd, "rb") as f:
            for line in f:
                if line.startswith(b"mnt_id:"):
                    return line.split()[1]
    except OSError:
        pass
    return b""
