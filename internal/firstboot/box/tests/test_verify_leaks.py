"""verify: copies of an identity, and values that containers show."""
import os
from unittest import mock

from ageenv import verify_copies
from tests.verify_box import MARK, SECRET, VerifyBox


class LeaksTest(VerifyBox):
    """What others can read."""

    def test_copies(self) -> None:
        """An identity in what others can read, plain or in base64, across pieces; not where they cannot get."""
        import base64
        self.put("/var/log/private/x", MARK, 0o644)
        os.chmod(self.path("/var/log/private"), 0o700)
        self.put("/var/log/closed", MARK, 0o600)
        self.passes()
        self.put("/var/log/cloud-init.log", b"x" * (verify_copies.PIECE - 8) + MARK, 0o644)
        for i in range(3):
            self.put("/run/cloud-init/%d.json" % i, base64.encodebytes(b"y" * (48 + i) + MARK + b" and more"), 0o640)
        self.put("/tmp/a/b/c", b"AGE-SECRET-KEY-" + b"PQ-1QQQQ", 0o604)
        self.fails("others can read an identity in /run/cloud-init/0.json, /run/cloud-init/1.json, /run/cloud-init/2.json, /tmp/a/b/c, "
                   "/var/log/cloud-init.log: run chmod go= on it, and then rotate the identity")

    def test_copies_of_others(self) -> None:
        """Deep directories, pipes and names that move a cursor do no harm, and the search ends."""
        deep = self.path("/tmp")
        os.makedirs(deep)
        at = os.open(deep, os.O_RDONLY)
        for _ in range(200):
            os.mkdir("d", dir_fd=at)
            following = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = following
        os.close(at)
        os.mkfifo(self.path("/tmp/pipe"), 0o644)
        self.passes("unseen: 1 files or directories that cannot be read, in which a copy of an identity may be")
        self.put("/tmp/\x1b[2Jx\n", MARK, 0o644)
        code, text = self.verify()
        self.assertIn("FAIL: others can read an identity in /tmp/?[2Jx?:", text)
        os.remove(self.path("/tmp/\x1b[2Jx\n"))
        with mock.patch.object(verify_copies, "SECONDS", -1):
            self.passes("unseen: copies of an identity that others can read: the search took more than -1 seconds")

    def test_containers(self) -> None:
        """Values in what docker shows, in each form."""
        inspect = "docker inspect of web shows a value of %s: use exposure = \"env\" if that is meant, else mount the file"
        logs = "docker logs of web shows a value of %s: have the program in it not log the value, and rotate the value"
        for shown in ("TOKEN=canary-Value-1", SECRET.decode(), SECRET.decode().replace('"', '\\"'), "postgres://user:hunter2@db/app"):
            self.docker(shown, "")
            self.fails(inspect % "/run/app.env")
            self.docker("", "x" + shown)
            self.fails(logs % "/run/app.env")
        self.docker("whole-Value-3 canary-Value-1", "whole-Value-3")
        self.fails(inspect % "/run/app.env, /run/d/KEY", logs % "/run/d/KEY")
        self.docker("", "canary-Value-1", 1)
        code, text = self.verify()
        self.assertIn("FAIL: " + logs % "/run/app.env", text)
        self.assertIn("unseen: docker inspect of web: docker failed, or took more than 30 seconds or 64 MiB\n", text)
        self.assertNotIn("pass: docker", text)

    def test_no_containers(self) -> None:
        """What cannot be asked is unseen."""
        self.install("docker", "exit 1")
        self.passes("unseen: containers: docker does not answer")
        os.remove(os.path.join(self.bin, "docker"))
        self.passes("unseen: containers: docker is not installed")
