"""Opens a binary age file (https://c2sp.org/age) with X25519 identities.

It serves where no age is installed. It refuses what age refuses, and returns nothing before
the whole payload is authenticated: a caller never sees the beginning of an altered file.
"""
import binascii
import struct
from array import array

# What is wrong, in the words of the official test vectors.
HEADER, NO_MATCH, MAC, PAYLOAD, IDENTITY, HYBRID = (
    "header failure", "no match", "HMAC failure", "payload failure", "identity", "hybrid")
REASONS = {
    HEADER: "payload-malformed", NO_MATCH: "wrong-identity", MAC: "payload-altered", PAYLOAD: "payload-altered",
    IDENTITY: "identity-malformed", HYBRID: "needs-age"}

# The bounds of age itself, which refuses more.
MAX_HEADER, MAX_STANZAS, MAX_WORDS = 2 << 20, 1024, 129

P = 2 ** 255 - 19
CHUNK = 64 * 1024 + 16


class Refused(Exception):
    """The file cannot be opened: fault says why in the words of the vectors, code is the box's reason."""

    def __init__(self, fault: str) -> None:
        Exception.__init__(self, fault)
        self.fault, self.code = fault, REASONS[fault]


def open_file(identities: bytes, data: bytes) -> bytes:
    """Return the plaintext of the age file data.

    identities is the text of an identity file. Raises Refused. A file that is sealed to a
    hybrid recipient is told apart if none of the identities opens it.
    """
    try:
        return _open(_parse_identities(identities), data)
    except Refused as e:
        if e.fault in (NO_MATCH, IDENTITY) and b"\n-> mlkem768x25519 " in data[:MAX_HEADER]:
            raise Refused(HYBRID) from None
        raise


def _open(identities: list, data: bytes) -> bytes:
    import hashlib
    import hmac
    stanzas, mac, covered, sealed = _parse_header(data)
    for scalar in identities:
        file_key = _unwrap(scalar, stanzas)
        if file_key is not None:
            break
    else:
        raise Refused(NO_MATCH)
    expected = hmac.new(_hkdf(file_key, b"", b"header"), covered, hashlib.sha256)
    _need(hmac.compare_digest(mac, expected.digest()), MAC)
    return _open_payload(file_key, sealed)


def _need(condition: object, fault: str) -> None:
    if not condition:
        raise Refused(fault)


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    import hashlib
    import hmac
    extracted = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\1", hashlib.sha256).digest()


# RFC 7748, section 5.
def _x25519(scalar: bytes, point: bytes) -> bytes:
    k = int.from_bytes(scalar, "little") & (1 << 254) - 8 | 1 << 254
    u = (int.from_bytes(point, "little") & (1 << 255) - 1) % P
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b = x2 + z2, x2 - z2
        da, cb = (x3 - z3) * a % P, (x3 + z3) * b % P
        aa, bb = a * a % P, b * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


# RFC 8439, section 2.3, for all blocks at once: each of the sixteen words is one
# long integer that holds the word of every block in a lane of 64 bits, where
# the upper half takes what an addition or a rotation spills. Block by block,
# the same would take some forty times as long.
def _chacha20(key: bytes, nonce: bytes, blocks: int) -> bytes:
    lanes = int.from_bytes(struct.pack("<Q", 1) * blocks, "little")
    mask = lanes * 0xFFFFFFFF
    counter = int.from_bytes(struct.pack("<%dQ" % blocks, *range(blocks)), "little")
    start = [w * lanes for w in struct.unpack("<12I", b"expand 32-byte k" + key)]
    start += [counter] + [w * lanes for w in struct.unpack("<3I", nonce)]
    s = start[:]
    columns = [(i, i + 4, i + 8, i + 12) for i in range(4)]
    diagonals = [(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4) for i in range(4)]
    for a, b, c, d in (columns + diagonals) * 10:
        for x, y, z, n in (a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7):
            s[x] = s[x] + s[y] & mask
            w = s[z] ^ s[x]
            s[z] = (w << n | w >> 32 - n) & mask
    stream = array("I", bytes(64 * blocks))
    for i in range(16):
        word = s[i] + start[i] & mask
        stream[i::16] = array("I", word.to_bytes(8 * blocks, "little"))[::2]
    return stream.tobytes()


# RFC 8439, section 2.5.
def _poly1305(key: bytes, message: bytes) -> bytes:
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total, p = 0, (1 << 130) - 5
    for i in range(0, len(message), 16):
        block = message[i:i + 16] + b"\1"
        total = (total + int.from_bytes(block, "little")) * r % p
    total += int.from_bytes(key[16:], "little")
    return (total & (1 << 128) - 1).to_bytes(16, "little")


# RFC 8439, section 2.8, without additional data. None if the tag is wrong.
def _decrypt(key: bytes, nonce: bytes, sealed: bytes) -> "bytes | None":
    import hmac
    text, tag = sealed[:-16], sealed[-16:]
    stream = _chacha20(key, nonce, 1 + (len(text) + 63) // 64)
    sizes = struct.pack("<QQ", 0, len(text))
    expected = _poly1305(stream[:32], text + bytes(-len(text) % 16) + sizes)
    if not hmac.compare_digest(tag, expected):
        return None
    plain = int.from_bytes(text, "little") ^ int.from_bytes(stream[64:64 + len(text)], "little")
    return plain.to_bytes(len(text), "little")


# The one Bech32 text of 32 bytes that BIP 173 allows, in capitals as age wants
# it. Encoding again compares checksum, padding and letter case in one go.
def _bech32_encode(prefix: str, data: bytes) -> str:
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = int.from_bytes(data, "big") << 4
    words = [bits >> 5 * i & 31 for i in range(51, -1, -1)]
    check = 1
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    for word in expanded + words + [0] * 6:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= g * (top >> i & 1)
    check ^= 1
    words += [check >> 5 * i & 31 for i in range(5, -1, -1)]
    return prefix.upper() + "1" + "".join(letters[w] for w in words).upper()


def _parse_identity(line: str) -> bytes:
    prefix, letters = "age-secret-key-", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
    bits = 0
    for c in line[16:68]:
        bits = bits << 5 | max(letters.find(c), 0)
    scalar = (bits >> 4 & (1 << 256) - 1).to_bytes(32, "big")
    _need(_bech32_encode(prefix, scalar) == line, IDENTITY)
    return scalar


def _parse_identities(data: bytes) -> list:
    lines = data.decode("ascii", "replace").split("\n")
    lines = [line for line in lines if line and line[0] != "#"]
    _need(lines, IDENTITY)
    return [_parse_identity(line) for line in lines]


# Base64 without padding, in its only canonical form.
def _decode(text: bytes) -> bytes:
    try:
        data = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except ValueError:
        raise Refused(HEADER) from None
    _need(binascii.b2a_base64(data, newline=False).rstrip(b"=") == text, HEADER)
    return data


# The words of a header line after its prefix; each is visible ASCII.
def _split_words(line: bytes, prefix: bytes) -> list:
    words = line.split(b" ")
    _need(words.pop(0) == prefix, HEADER)
    _need(0 < len(words) <= MAX_WORDS, HEADER)
    for word in words:
        _need(word and all(33 <= c <= 126 for c in word), HEADER)
    return words


# The stanzas, the MAC, the bytes the MAC is over, and what follows the header.
def _parse_header(data: bytes) -> tuple:
    at = 0

    def line() -> bytes:
        nonlocal at
        end = data.find(b"\n", at)
        _need(0 <= end < MAX_HEADER, HEADER)
        start, at = at, end + 1
        return data[start:end]

    _need(line() == b"age-encryption.org/v1", HEADER)
    stanzas = []  # type: list
    while data[at:at + 3] != b"---":
        _need(len(stanzas) < MAX_STANZAS, HEADER)
        words, body = _split_words(line(), b"->"), bytearray()
        while True:
            part = _decode(line())
            _need(len(part) <= 48, HEADER)
            body += part
            if len(part) < 48:
                break
        stanzas.append((words, bytes(body)))
    _need(stanzas, HEADER)
    covered = data[:at + 3]
    words = _split_words(line(), b"---")
    _need(len(words) == 1, HEADER)
    mac = _decode(words[0])
    _need(len(mac) == 32, HEADER)
    return stanzas, mac, covered, data[at:]


def _unwrap(scalar: bytes, stanzas: list) -> "bytes | None":
    public = _x25519(scalar, b"\x09" + bytes(31))
    for words, body in stanzas:
        if words[0] != b"X25519":
            continue
        _need(len(words) == 2, HEADER)
        share = _decode(words[1])
        _need(len(share) == 32, HEADER)
        shared = _x25519(scalar, share)
        # A point of low order gives zero, whatever the scalar.
        _need(any(shared), HEADER)
        # A file key of another size would let one body fit several keys.
        _need(len(body) == 32, HEADER)
        key = _hkdf(shared, share + public, b"age-encryption.org/v1/X25519")
        file_key = _decrypt(key, bytes(12), body)
        if file_key is not None:
            return file_key
    return None


# STREAM: chunks of 64 KiB, the last one marked. Only a payload that is empty
# altogether may end in an empty chunk, and nothing may follow the last. The
# official vectors count a nonce that is cut off as a fault of the header.
def _open_payload(file_key: bytes, sealed: bytes) -> bytes:
    _need(len(sealed) >= 16, HEADER)
    key = _hkdf(file_key, sealed[:16], b"payload")
    sealed, plain, count = sealed[16:], [], 0
    while True:
        chunk = sealed[count * CHUNK:(count + 1) * CHUNK]
        last = len(sealed) <= (count + 1) * CHUNK
        _need(len(chunk) > 16 or len(chunk) == 16 and count == 0, PAYLOAD)
        part = _decrypt(key, count.to_bytes(11, "big") + bytes([last]), chunk)
        if part is None:
            raise Refused(PAYLOAD)
        plain.append(part)
        count += 1
        if last:
            return b"".join(plain)
