"""Prints what systemd makes of an EnvironmentFile, read by systemd's own loader.

    load_env_file.py LIBRARY FILE

LIBRARY is libsystemd-shared-VERSION.so. The output is the assignments, each ended
by a NUL byte, without those that systemd drops before it starts a program. The
exit status is 1 if it would drop the whole file.
"""

import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
library.load_env_file.restype = ctypes.c_int
library.load_env_file.argtypes = [
    ctypes.c_void_p,  # FILE *, NULL: open the file by its name
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.POINTER(ctypes.c_char_p)),
]
library.env_assignment_is_valid.restype = ctypes.c_bool
library.env_assignment_is_valid.argtypes = [ctypes.c_char_p]

assignments = ctypes.POINTER(ctypes.c_char_p)()
result = library.load_env_file(None, sys.argv[2].encode(), ctypes.byref(assignments))
if result < 0:
    sys.exit(1)
index = 0
while assignments and assignments[index] is not None:
    if library.env_assignment_is_valid(assignments[index]):
        sys.stdout.buffer.write(assignments[index] + b"\0")
    index += 1
