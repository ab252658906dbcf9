"""The lines that `ageenv verify` prints, and whether any of them is a failure."""
from ageenv.failure import write


class Report:
    """Prints one line for each thing that verify looked at, and counts the failures.

    No line holds a value. A line of passed says what holds. A line of failed says what is
    wrong and, after a colon, what to do. A line of unseen says what is not known.
    """

    def __init__(self) -> None:
        self.failures = 0

    def passed(self, text: str) -> None:
        """Print what holds."""
        self._line("pass", text)

    def failed(self, text: str) -> None:
        """Print what is wrong and what to do."""
        self.failures += 1
        self._line("FAIL", text)

    def unseen(self, text: str) -> None:
        """Print what cannot be told from here."""
        self._line("unseen", text)

    def _line(self, kind: str, text: str) -> None:
        # Names in a directory of another user may hold what moves a terminal's cursor.
        write(1, "%s: %s\n" % (kind, "".join(c if c.isprintable() else "?" for c in text)))
