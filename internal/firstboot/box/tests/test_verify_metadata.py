"""verify: the control groups that the metadata service is tried in."""
import io
import os
import unittest
from unittest import mock

from ageenv import verify_metadata
from ageenv.report import Report

# A user makes and names groups below a group of their own.
GROUPS = {
    "1": b"/init.scope", "20": b"/user.slice/user@1000.service/\xff", "21": b"/user.slice/user@1000.service/a..b",
    "22": b"/user.slice/user@1000.service/ ", "30": b"/../outside",
}


def opened(path: str, mode: str = "r") -> object:
    """Open /proc/PID/cgroup of GROUPS."""
    pid = path.split("/")[2]
    data = io.BytesIO(b"1:cpu:/other\n0::%s\n" % GROUPS[pid])
    return data if "b" in mode else io.TextIOWrapper(data, "utf-8")


class GroupsTest(unittest.TestCase):
    """A name hides no group."""

    def test_names(self) -> None:
        """Neither bytes that are no text, nor dots, nor blanks."""
        tried, lines = [], []  # type: list, list

        class Attempt:
            """Finds the service open in each group, as a container may have it."""

            def __init__(self, uid: int, group: str, network: int) -> None:
                tried.append(os.fsencode(group))

            def line(self) -> str:
                """Return what was found."""
                return "0 0 plain -"

        with mock.patch("builtins.open", opened), mock.patch("os.listdir", lambda path: sorted(GROUPS)), mock.patch("os.readlink", lambda path: "net:[1]"), \
                mock.patch.object(verify_metadata, "here", lambda: ("net:[1]", "/x")), mock.patch.object(verify_metadata, "Attempt", Attempt), \
                mock.patch("ageenv.report.write", lambda fd, text: lines.append(text)):
            verify_metadata.running(mock.Mock(metadata_units=[]), Report(), [])
        wanted = [b"/sys/fs/cgroup" + group for pid, group in GROUPS.items() if pid != "30"]
        self.assertEqual(sorted(set(tried)), sorted(wanted))
        self.assertEqual(sum("is open" in line for line in lines), 2 * len(wanted), lines)
