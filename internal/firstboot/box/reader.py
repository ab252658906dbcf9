# Opens one age file (https://c2sp.org/age) with X25519 identities, using
# nothing but Python's standard library, from 3.6 on.
#
#     python3 -I -S reader.py IDENTITY-FILE <sealed >plain
#
# It is what the first-boot script falls back on where no age is installed. It
# refuses whatever age refuses, and writes nothing before the whole payload has
# been authenticated: a caller never sees the beginning of a tampered file.
#
# Exit codes, the only thing it says:
#     0   opened
#     10  the header is malformed
#     11  no identity fits a recipient
#     12  the header's MAC is wrong
#     13  the payload is altered, cut off or continued
#     14  the identity file holds no X25519 identity, or a malformed one
#     15  the same, or no identity fits, and the file is sealed to a hybrid recipient
#
# The script carries a compact form, made by dropping the lines that are
# comments or empty: a comment therefore has its own line, and no string spans
# lines.
import base64
import hashlib
import hmac
import struct
import sys
from array import array

HEADER, NO_MATCH, MAC, PAYLOAD, IDENTITY, HYBRID = 10, 11, 12, 13, 14, 15

# The bounds of age itself, which refuses more.
MAX_HEADER, MAX_STANZAS, MAX_WORDS = 2 << 20, 1024, 129

P = 2 ** 255 - 19
CHUNK = 64 * 1024 + 16


class Refused(Exception):
    pass


def need(condition, code):
    if not condition:
        raise Refused(code)


def hkdf(key, salt, info):
    extracted = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\1", hashlib.sha256).digest()


# RFC 7748, section 5.
def x25519(scalar, point):
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
def chacha20(key, nonce, blocks):
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
def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total, p = 0, (1 << 130) - 5
    for i in range(0, len(message), 16):
        block = message[i:i + 16] + b"\1"
        total = (total + int.from_bytes(block, "little")) * r % p
    total += int.from_bytes(key[16:], "little")
    return (total & (1 << 128) - 1).to_bytes(16, "little")


# RFC 8439, section 2.8, without additional data. None if the tag is wrong.
def unseal(key, nonce, sealed):
    text, tag = sealed[:-16], sealed[-16:]
    stream = chacha20(key, nonce, 1 + (len(text) + 63) // 64)
    sizes = struct.pack("<QQ", 0, len(text))
    expected = poly1305(stream[:32], text + bytes(-len(text) % 16) + sizes)
    if not hmac.compare_digest(tag, expected):
        return None
    plain = int.from_bytes(text, "little") ^ int.from_bytes(stream[64:64 + len(text)], "little")
    return plain.to_bytes(len(text), "little")


# The one Bech32 text of 32 bytes that BIP 173 allows, in capitals as age wants
# it. Encoding again compares checksum, padding and letter case in one go.
def bech32_encode(prefix, data):
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


def parse_identity(line):
    prefix, letters = "age-secret-key-", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
    bits = 0
    for c in line[16:68]:
        bits = bits << 5 | max(letters.find(c), 0)
    scalar = (bits >> 4 & (1 << 256) - 1).to_bytes(32, "big")
    need(bech32_encode(prefix, scalar) == line, IDENTITY)
    return scalar


def parse_identities(data):
    lines = data.decode("ascii", "replace").split("\n")
    lines = [line for line in lines if line and line[0] != "#"]
    need(lines, IDENTITY)
    return [parse_identity(line) for line in lines]


# Base64 without padding, in its only canonical form.
def decode(text):
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        raise Refused(HEADER)
    need(base64.b64encode(data).rstrip(b"=") == text, HEADER)
    return data


# The words of a header line after its prefix; each is visible ASCII.
def split_words(line, prefix):
    words = line.split(b" ")
    need(words.pop(0) == prefix, HEADER)
    need(0 < len(words) <= MAX_WORDS, HEADER)
    for word in words:
        need(word and all(33 <= c <= 126 for c in word), HEADER)
    return words


# The stanzas, the MAC, the bytes the MAC is over, and what follows the header.
def parse_header(data):
    at = 0

    def line():
        nonlocal at
        end = data.find(b"\n", at)
        need(0 <= end < MAX_HEADER, HEADER)
        start, at = at, end + 1
        return data[start:end]

    need(line() == b"age-encryption.org/v1", HEADER)
    stanzas = []
    while data[at:at + 3] != b"---":
        need(len(stanzas) < MAX_STANZAS, HEADER)
        words, body = split_words(line(), b"->"), bytearray()
        while True:
            part = decode(line())
            need(len(part) <= 48, HEADER)
            body += part
            if len(part) < 48:
                break
        stanzas.append((words, body))
    need(stanzas, HEADER)
    covered = data[:at + 3]
    words = split_words(line(), b"---")
    need(len(words) == 1, HEADER)
    mac = decode(words[0])
    need(len(mac) == 32, HEADER)
    return stanzas, mac, covered, data[at:]


def unwrap(scalar, stanzas):
    public = x25519(scalar, b"\x09" + bytes(31))
    for words, body in stanzas:
        if words[0] != b"X25519":
            continue
        need(len(words) == 2, HEADER)
        share = decode(words[1])
        need(len(share) == 32, HEADER)
        shared = x25519(scalar, share)
        # A point of low order gives zero, whatever the scalar.
        need(any(shared), HEADER)
        # A file key of another size would let one body fit several keys.
        need(len(body) == 32, HEADER)
        key = hkdf(shared, share + public, b"age-encryption.org/v1/X25519")
        file_key = unseal(key, bytes(12), body)
        if file_key is not None:
            return file_key
    return None


# STREAM: chunks of 64 KiB, the last one marked. Only a payload that is empty
# altogether may end in an empty chunk, and nothing may follow the last. The
# official vectors count a nonce that is cut off as a fault of the header.
def open_payload(file_key, sealed):
    need(len(sealed) >= 16, HEADER)
    key = hkdf(file_key, sealed[:16], b"payload")
    sealed, plain, count = sealed[16:], [], 0
    while True:
        chunk = sealed[count * CHUNK:(count + 1) * CHUNK]
        last = len(sealed) <= (count + 1) * CHUNK
        need(len(chunk) > 16 or len(chunk) == 16 and count == 0, PAYLOAD)
        part = unseal(key, count.to_bytes(11, "big") + bytes([last]), chunk)
        need(part is not None, PAYLOAD)
        plain.append(part)
        count += 1
        if last:
            return b"".join(plain)


def open_file(identities, data):
    stanzas, mac, covered, sealed = parse_header(data)
    for scalar in identities:
        file_key = unwrap(scalar, stanzas)
        if file_key is not None:
            break
    else:
        raise Refused(NO_MATCH)
    expected = hmac.new(hkdf(file_key, b"", b"header"), covered, hashlib.sha256)
    need(hmac.compare_digest(mac, expected.digest()), MAC)
    return open_payload(file_key, sealed)


sealed_file = sys.stdin.buffer.read()
try:
    with open(sys.argv[1], "rb") as f:
        keys = parse_identities(f.read())
    opened = open_file(keys, sealed_file)
except Refused as e:
    why = e.args[0]
    if why in (NO_MATCH, IDENTITY) and b"\n-> mlkem768x25519 " in sealed_file[:MAX_HEADER]:
        why = HYBRID
    sys.exit(why)
sys.stdout.buffer.write(opened)
sys.stdout.buffer.flush()
