"""What the startup script asked for, kept in /var/lib/ageenv/plan for later boots; and
where the last run has left its status. Every command reads these, so they load little."""
from ageenv import failure, walk
from ageenv.failure import show

PATH = b"/var/lib/ageenv/plan"
LATE = b"/var/lib/ageenv/late"
# The status is in /run while the disk cannot be written.
STATUS, STATUS_IN_RUN = b"/var/lib/ageenv/status.json", b"/run/ageenv/status.json"
LIMIT = 1 << 20
# JSON's words. The plan is root's own text, as the program is; json takes 20 ms to load.
WORDS = {"true": True, "false": False, "null": None, "__builtins__": {}}  # type: dict


class File:
    """A file, or a directory of files, that is to be in place."""

    def __init__(self, number: int, text: dict) -> None:
        self.number = number
        self.path = text["path"].encode()
        self.name = text["path"]
        self.owner = text["owner"]
        self.group = text["group"]
        self.mode = int(text["mode"], 8)
        # A directory's own mode; None for a file.
        self.dir_mode = int(text["dir_mode"], 8) if text["dir_mode"] else None
        self.every_boot = text["every_boot"]
        # "env" if a container may show the values.
        self.exposure = text["exposure"]
        self.layout = text["layout"]
        self.digest = text["source_digest"]
        # What the payload is kept under: after its bytes, so that no plan finds another's.
        self.payload = text["payload"].encode()  # type: bytes
        # "written", "unchanged", or "kept": whatever was there before, if anything.
        self.state = "kept"

    def sealed(self) -> bytes:
        """Return where the payload is kept for later boots."""
        return b"/var/lib/ageenv/sealed." + self.payload

    def is_directory(self) -> bool:
        """Report whether it is a directory of files."""
        return self.dir_mode is not None


class Plan:
    """All that the script asked for, but for payloads and identity."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        told = eval(text.decode(), dict(WORDS))
        self.version = told["version"]
        self.name = told["name"]
        self.files = [File(i + 1, f) for i, f in enumerate(told["files"])]
        # "travels" in the script, "file" or "command".
        self.identity = told["identity"]
        self.identity_file = told["identity_file"].encode()
        self.identity_command = told["identity_command"]
        self.block_metadata = told["block_metadata"]
        self.metadata_units = told["metadata_units"]
        self.units = told["units"]
        self.compose = [path.encode() for path in told["compose"]]
        self.commands = told["commands"]
        # Empty if there is none.
        self.user_script = told["user_script"]
        failure.label = self.name + ": " if self.name else ""

    def follows(self) -> bool:
        """Report whether anything is to follow when a file has changed."""
        return bool(self.units or self.compose or self.commands)

    def every(self) -> list:
        """Return the files that are dropped again at each boot."""
        return [f for f in self.files if f.every_boot]

    def identity_name(self) -> str:
        """Return how messages call the source of the identity."""
        return show(self.identity_file) if self.identity_file else "the identity command"


def installed() -> "Plan | None":
    """Return the plan that an earlier run has kept."""
    text = walk.read(PATH, LIMIT)
    return None if text is None else Plan(text)


def last_status() -> bytes:
    """Return the status, that in /run before an older one. Empty: there is none."""
    try:
        told = walk.read(STATUS_IN_RUN)
    except (OSError, failure.Failure):
        told = None
    return told or walk.read(STATUS) or b""


def is_current(plan: Plan) -> bool:
    """Report whether no other plan is kept on this box."""
    return walk.read(PATH, LIMIT) == plan.text


def is_late(plan: Plan) -> bool:
    """Report whether files of the first boot are still to be dropped: of this very plan."""
    return walk.read(LATE, LIMIT) == plan.text
