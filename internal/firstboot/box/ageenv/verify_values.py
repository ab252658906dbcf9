"""The values that files hold, to be found in what containers show."""

# Shorter ones, and words, are found where nobody has leaked anything.
SHORTEST = 8
WORD = b"abcdefghijklmnopqrstuvwxyz_-"


class Values:
    """Values, each with the name of the file that holds it."""

    def __init__(self) -> None:
        self._files = {}  # type: dict
        self._shown = set()  # type: set

    def add_text(self, data: bytes, name: str, shown: bool) -> None:
        """Add the values of env text. A line without a name is a value, or a part of one.

        shown: containers may show them, from whichever file they are.
        """
        for line in data.splitlines():
            key, equals, value = line.partition(b"=")
            value = (value if key and equals else line).strip()
            if line.startswith((b"# ", b"-----")):
                continue
            if len(value) > 1 and value[:1] == value[-1:] and value[:1] in b"\"'`":
                value = value[1:-1]
            self._add(value, name, shown)

    def add_whole(self, data: bytes, name: str, shown: bool) -> None:
        """Add a file that is one value, line by line."""
        for line in data.splitlines():
            if not line.startswith(b"-----"):
                self._add(line.strip(), name, shown)

    def _add(self, value: bytes, name: str, shown: bool) -> None:
        if len(value) < SHORTEST or not value.strip(WORD) or value.startswith((b"http://", b"https://")) and b"@" not in value:
            return
        if shown:
            self._shown.add(value)
        else:
            self._files.setdefault(value, name)

    def __len__(self) -> int:
        return len(set(self._files) - self._shown)

    def found_in(self, seen: bytes) -> list:
        """Return the names of the files whose values are in what was seen, in JSON or plain."""
        names = set()
        for value, name in self._files.items():
            if name not in names and value not in self._shown and any(form in seen for form in forms(value)):
                names.add(name)
        return sorted(names)


def forms(value: bytes) -> set:
    """Return the ways in which a value of an env file is shown: as it is written there, as
    it is read, and each in JSON, which escapes more or less."""
    read = unescape(value)
    found = set()  # type: set
    for form in value, read, read.replace(b"$$", b"$"):
        escaped = form.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n").replace(b"\r", b"\\r").replace(b"\t", b"\\t")
        html = escaped.replace(b"&", b"\\u0026").replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
        found.update(text for text in (form, escaped, html) if len(text) >= SHORTEST)
    return found


def unescape(value: bytes) -> bytes:
    """Return a value without the backslashes that a reader of env files takes away."""
    parts, at = [], 0
    while at < len(value):
        if value[at:at + 1] == b"\\" and at + 1 < len(value):
            at += 1
            follows = value[at:at + 1]
            parts.append({b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(follows, follows if follows in b"\\\"'$`" else b"\\" + follows))
        else:
            parts.append(value[at:at + 1])
        at += 1
    return b"".join(parts)
