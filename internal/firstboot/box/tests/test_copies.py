"""tighten: the copies of the script that cloud-init and the image leave."""
import os
from unittest import mock

from ageenv import copies
from tests.verify_box import VerifyBox


class CopiesTest(VerifyBox):
    """The copies in /tmp, where every user may make files."""

    def test_full_directory(self) -> None:
        """Only the two names are looked at: a boot does not wait for a user's files."""
        for name in "firstboot.log", "firstboot.log.1", "firstboot.exec":
            self.put("/tmp/" + name, b"", 0o644)
        listed, listdir = [], os.listdir  # type: list, object

        def list_noted(fd: int) -> list:
            listed.append(os.readlink("/proc/self/fd/%d" % fd))
            return listdir(fd)  # type: ignore

        with mock.patch("os.listdir", list_noted):
            copies.tighten()
        self.assertNotIn(self.path("/tmp"), listed)
        modes = {name: os.stat(self.path("/tmp/" + name)).st_mode & 0o777 for name in sorted(os.listdir(self.path("/tmp")))}
        self.assertEqual(modes, {"firstboot.log": 0o600, "firstboot.log.1": 0o644})
