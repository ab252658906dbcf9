"""verify: the files that were dropped."""
import fcntl
import os
import shutil
import signal
import unittest

from tests.verify_box import OWN, VerifyBox, plan


class FilesTest(VerifyBox):
    """Owner, mode and kind of each."""

    def test_files(self) -> None:
        """Owner, mode, kind."""
        os.chmod(self.path("/run/app.env"), 0o644)
        os.chmod(self.path("/run/d/KEY"), 0o640)
        os.chmod(self.path("/run/d"), 0o750)
        os.remove(self.path("/etc/shown.env"))
        self.fails("/run/app.env has mode 0644: run chmod 0600 on it", "/etc/shown.env is missing: deliver the startup script again",
                   "/run/d has mode 0750: run chmod 0700 on it", "/run/d/KEY has mode 0640: run chmod 0600 on it",
                   "docker inspect of web shows a value of /run/app.env: use exposure = \"env\" if that is meant, else mount the file")

    def test_kinds(self) -> None:
        """A symlink is not the file that it leads to, and nothing waits for a pipe."""
        os.rename(self.path("/run/app.env"), self.path("/run/other"))
        os.symlink("other", self.path("/run/app.env"))
        os.mkfifo(self.path("/run/d/PIPE"))
        os.symlink("KEY", self.path("/run/d/LINK"))
        self.fails("/run/app.env is not a regular file: remove it, and run `ageenv drop`",
                   "/run/d/LINK is not a regular file, and ageenv has not put it there: remove it",
                   "/run/d/PIPE is not a regular file, and ageenv has not put it there: remove it")
        shutil.rmtree(self.path("/run/d"))
        os.remove(self.path("/run/app.env"))
        os.mkdir(self.path("/run/app.env"))
        self.fails("/run/app.env is not a regular file: remove it, and run `ageenv drop`", "/run/d is missing: deliver the startup script again")

    @unittest.skipUnless(os.geteuid() == 0, "not root")
    def test_owner(self) -> None:
        """Another's file."""
        os.chown(self.path("/run/app.env"), 12345, 12346)
        os.chmod(self.path("/run/app.env"), 0o640)
        os.chown(self.path("/var/lib/ageenv/plan"), 12345, 12346)
        self.fails("/run/app.env belongs to 12345:12346 and has mode 0640: run chown %s and chmod 0600 on it" % OWN,
                   "/var/lib/ageenv/plan is 12345:12346 0600, so that others can use it: run chown root:root and chmod 0600 on it")

    def test_parent_symlink(self) -> None:
        """A parent that others can replace is not followed."""
        os.rename(self.path("/run"), self.path("/elsewhere"))
        os.symlink("elsewhere", self.path("/run"))
        os.chmod(self.top, 0o777)
        code, text = self.verify()
        self.assertEqual((code, text.count("on the way is a symlink that others can have put there")), (1, 2), text)

    def test_access_list(self) -> None:
        """An access list lets others read what the mode denies."""
        # A version, and five entries: owner, user 12345, group, mask, others.
        acl = (b"\2\0\0\0" + b"\1\0\6\0" + b"\xff" * 4 + b"\2\0\4\0" + (12345).to_bytes(4, "little") + b"\4\0\0\0" + b"\xff" * 4
               + b"\x10\0\4\0" + b"\xff" * 4 + b"\x20\0\0\0" + b"\xff" * 4)
        try:
            os.setxattr(self.path("/run/app.env"), "system.posix_acl_access", acl)
        except OSError:
            self.skipTest("the file system has no access lists")
        self.fails("/run/app.env has mode 0640 and has an access list: run chmod 0600 and setfacl -b on it")

    def test_lease(self) -> None:
        """A lease keeps a file from being opened. Its mode is seen all the same."""
        self.addCleanup(signal.signal, signal.SIGIO, signal.signal(signal.SIGIO, signal.SIG_IGN))
        os.chmod(self.path("/run/app.env"), 0o666)
        with open(self.path("/run/app.env"), "rb+") as f:
            try:
                fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            except OSError:
                self.skipTest("the file system has no leases")
            self.fails("/run/app.env has mode 0666: run chmod 0600 on it")

    def test_owner_that_does_not_exist(self) -> None:
        """It is said, and the rest is looked at."""
        told = plan()
        told.files[0].owner = "nobody-of-that-name"
        code, text = self.verify(told=told)
        self.assertIn("FAIL: /run/app.env: cannot give it to nobody-of-that-name:%d: there is no such user here yet: create it\n" % os.getgid(), text)
        self.assertIn("pass: /run/d/KEY", text)
        self.assertEqual(code, 1)
