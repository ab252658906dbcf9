"""Makes age files, damaged ones included, out of the reader's own primitives.

test_reader checks the primitives against the vectors of the RFCs, and the whole against age.
"""
import binascii
import hashlib
import hmac
import os
import struct

from ageenv import reader


def new_identity(scalar: bytes = b"") -> tuple:
    """Return the text of an identity file, and the public point to seal to."""
    scalar = scalar or os.urandom(32)
    return reader._bech32_encode("age-secret-key-", scalar).encode() + b"\n", reader._x25519(scalar, b"\x09" + bytes(31))


def encode(data: bytes) -> bytes:
    """Return base64 without padding."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def encrypt(key: bytes, nonce: bytes, text: bytes) -> bytes:
    """ChaCha20-Poly1305."""
    stream = reader._chacha20(key, nonce, 1 + (len(text) + 63) // 64)
    sealed = bytes(a ^ b for a, b in zip(text, stream[64:]))
    sizes = struct.pack("<QQ", 0, len(sealed))
    return sealed + reader._poly1305(stream[:32], sealed + bytes(-len(sealed) % 16) + sizes)


def stanza(point: bytes, file_key: bytes) -> bytes:
    """Wrap a file key for an X25519 recipient."""
    ephemeral = os.urandom(32)
    share = reader._x25519(ephemeral, b"\x09" + bytes(31))
    key = reader._hkdf(reader._x25519(ephemeral, point), share + point, b"age-encryption.org/v1/X25519")
    return b"-> X25519 " + encode(share) + b"\n" + encode(encrypt(key, bytes(12), file_key)) + b"\n"


def seal(plain: bytes, points: list, extra: bytes = b"") -> bytes:
    """Return an age file. extra are stanzas that go first."""
    file_key, nonce = os.urandom(16), os.urandom(16)
    header = b"age-encryption.org/v1\n" + extra + b"".join(stanza(p, file_key) for p in points) + b"---"
    mac = hmac.new(reader._hkdf(file_key, b"", b"header"), header, hashlib.sha256).digest()
    key = reader._hkdf(file_key, nonce, b"payload")
    parts = [plain[at:at + 65536] for at in range(0, len(plain), 65536)] or [b""]
    chunks = [encrypt(key, n.to_bytes(11, "big") + bytes([n == len(parts) - 1]), part) for n, part in enumerate(parts)]
    return header + b" " + encode(mac) + b"\n" + nonce + b"".join(chunks)
