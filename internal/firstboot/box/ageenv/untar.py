"""Reads a tar of regular files, as CheckTar does in Go.

The module tarfile is no help: it takes a damaged header for the end of the archive, and many
releases never return from a header with a negative size. The formats are ustar, PAX, GNU,
star and V7. Nothing is decompressed, and a sparse file is refused.
"""

BLOCK = 512
MAX_ENTRIES = 10000
MAX_NAME = 255
# Of a PAX header or a long name.
MAX_SPECIAL = 1 << 20
PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"


class Malformed(Exception):
    """The text follows the words "the payload". It quotes no name: a name may be part of a value."""


def files(data: bytes) -> list:
    """Return the files of the tar data as a list of (name, content), at least one.

    Every entry is a regular file with a plain name that occurs once. Raises Malformed.
    """
    found, names, at = [], set(), 0  # type: list, set, int
    # What special entries say about the file after them.
    records, long_name = {}, b""  # type: dict, bytes
    while not _ends(data, at):
        name, kind, size = _header(data[at:at + BLOCK])
        at += BLOCK
        if kind in b"xLK":
            _need(size <= MAX_SPECIAL)
            content, at = _content(data, at, size)
            if kind == b"x":
                records = _records(content)
            elif kind == b"L":
                long_name = _string(content)
            continue
        where = ", as entry %d of its tar" % (len(found) + 1)
        if kind == b"S" or any(key.startswith(b"GNU.sparse.") for key in records):
            raise Malformed("holds a sparse file" + where)
        if kind not in b"0\0":
            raise Malformed("holds something else than a regular file" + where)
        name = long_name or records.get(b"path") or name
        if not name or len(name) > MAX_NAME or name.strip(PLAIN) or name[0] in b".-":
            raise Malformed("holds a file whose name is not plain" + where)
        if name in names:
            raise Malformed("holds two files of the same name, the second" + where[1:])
        if len(found) == MAX_ENTRIES:
            raise Malformed("holds more than %d files" % MAX_ENTRIES)
        content, at = _content(data, at, _decimal(records[b"size"]) if records.get(b"size") else size)
        records, long_name = {}, b""
        names.add(name)
        found.append((name, content))
    if not found:
        raise Malformed("is an empty tar: there is no file to drop")
    return found


def _need(condition: object) -> None:
    if not condition:
        raise Malformed("is no tar, or is compressed or cut off")


# Two blocks of zeros, or the end of the data in place of one or both.
def _ends(data: bytes, at: int) -> bool:
    block, following = data[at:at + BLOCK], data[at + BLOCK:at + 2 * BLOCK]
    if any(block):
        return False
    _need(len(block) % BLOCK == 0 and len(following) % BLOCK == 0 and not any(following))
    return True


def _content(data: bytes, at: int, size: int) -> tuple:
    _need(0 <= size <= len(data) - at)
    return data[at:at + size], at + size + -size % BLOCK


# The name, kind and size of an entry.
def _header(block: bytes) -> tuple:
    _need(len(block) == BLOCK)
    unsigned = sum(block) - sum(block[148:156]) + 8 * 32
    signed = unsigned - 256 * sum(c > 127 for c in block[:148] + block[156:])
    _need(_octal(block[148:156]) in (unsigned, signed))
    name, magic = _string(block[:100]), block[257:265]
    ustar, gnu = magic[:6] == b"ustar\0", magic == b"ustar  \0"
    for start, end in (100, 108), (108, 116), (116, 124), (136, 148), (329, 337), (337, 345):
        if start < 148 or ustar or gnu:
            _number(block[start:end])
    if ustar and block[345]:
        # A prefix: no such name is plain.
        name = b"/" + name
    return name, block[156:157], _number(block[124:136])


def _string(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _octal(field: bytes) -> int:
    digits = _string(field.strip(b" \0"))
    _need(not digits.strip(b"01234567"))
    return int(digits or b"0", 8)


# A number that does not fit into octal is binary, and may be negative.
def _number(field: bytes) -> int:
    if not field[0] & 0x80:
        return _octal(field)
    sign = 1 << 8 * len(field) - 2
    number = int.from_bytes(field, "big") & 2 * sign - 1
    return number - 2 * sign if number & sign else number


def _decimal(text: bytes) -> int:
    digits = text[1:] if text[:1] in (b"+", b"-") else text
    _need(digits.isdigit() and len(digits) < 20)
    return int(text)


# PAX: "LENGTH KEY=VALUE\n", where LENGTH counts all of it.
def _records(content: bytes) -> dict:
    records = {}
    while content:
        count = content.partition(b" ")[0]
        length = _decimal(count)
        _need(5 <= length <= len(content))
        record, content = content[len(count) + 1:length], content[length:]
        key, equals, value = record[:-1].partition(b"=")
        _need(record.endswith(b"\n") and key and equals)
        _need(b"\0" not in (value if key in (b"path", b"linkpath", b"uname", b"gname") else key))
        records[key] = value
    return records
