"""A file on its way to its place, and what others do meanwhile."""
import os
from unittest import mock

from ageenv import content, run
from ageenv.failure import Failure
from ageenv.plan import Plan
from tests.verify_box import VerifyBox, file


def planned(path: str) -> Plan:
    """Return a plan of one file."""
    return Plan(('{"version": "3", "name": "", "files": [%s], "identity": "travels", "identity_file": "", "identity_command": "", "block_metadata": false, '
                 '"metadata_units": [], "units": [], "compose": [], "commands": [], "user_script": ""}' % file(path)).encode())


class TargetTest(VerifyBox):
    """Below a prefix."""

    def test_directory_that_fills(self) -> None:
        """An empty directory, as docker makes, gives way; what somebody has put into it
        since it was looked at does not."""
        for two_steps in False, True:
            path = "/srv/app%d" % two_steps
            os.makedirs(self.path(path))
            target = content.Plain(planned(path).files[0], os.getuid(), os.getgid(), b"new")
            target.prepare()
            self.put(path + "/upload", b"somebody's")
            with mock.patch("ageenv.kernel.EXCHANGE", 1 << 20 if two_steps else 2), self.assertRaises(Failure):
                run.place([target], lambda: None)
            with open(self.path(path + "/upload"), "rb") as f:
                self.assertEqual(f.read(), b"somebody's")
            self.assertEqual([name for name in os.listdir(self.path("/srv")) if name.startswith(".")], [])

    def test_directory_that_stays_empty(self) -> None:
        """It is replaced."""
        os.makedirs(self.path("/srv/app"))
        target = content.Plain(planned("/srv/app").files[0], os.getuid(), os.getgid(), b"new")
        target.prepare()
        run.place([target], lambda: None)
        with open(self.path("/srv/app"), "rb") as f:
            self.assertEqual(f.read(), b"new")
        self.assertEqual(os.listdir(self.path("/srv")), ["app"])
