"""Which program opens a payload, and what a refusal is called."""
import os
import shutil
import tempfile
import unittest
from unittest import mock

from ageenv import unseal
from ageenv.failure import Failure
from tests.sealing import encode, new_identity, seal
from tests.test_untar import archive

AGE = os.environ.get("AGEENV_TEST_AGE") or shutil.which("age")
SECRET = b"S3cret-Value"
PATH = b"/srv/app.env"


class UnsealTest(unittest.TestCase):
    """A box with or without age."""

    def setUp(self) -> None:
        self.bin = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.bin)
        unseal.decryptor = "none"
        self.identity, self.point = new_identity()
        self.said = []  # type: list
        for patch in mock.patch.dict(os.environ, {"PATH": self.bin}), mock.patch.object(unseal, "say", self.said.append):
            patch.start()  # type: ignore
            self.addCleanup(patch.stop)  # type: ignore

    def install(self, text: str) -> None:
        """Put a script in the place of age."""
        with open(os.path.join(self.bin, "age"), "w") as f:
            f.write("#!/bin/sh\nPATH=/usr/bin:/bin\n" + text + "\n")
        os.chmod(f.name, 0o755)

    def refused(self, reason: str, message: str, identity: bytes, sealed: bytes, directory: bool = False) -> None:
        """Assert how the target fails, and that no value is said."""
        with self.assertRaises(Failure) as caught:
            unseal.unseal(PATH, identity, sealed, directory)
        e = caught.exception
        self.assertEqual((e.code, e.reason), (5, reason), e.message)
        self.assertIn("/srv/app.env: " + message, e.message)
        for text in [e.message] + self.said:
            self.assertNotIn(SECRET.decode(), text)
            self.assertNotIn("AGE-SECRET", text)
        self.assertIsNone(e.__cause__)
        self.assertEqual(unseal.decryptor, "none")

    def test_reader(self) -> None:
        """Where no age is installed."""
        self.assertEqual(unseal.unseal(PATH, self.identity, seal(SECRET, [self.point]), False), SECRET)
        self.assertEqual((unseal.decryptor, self.said), ("python", []))

    def test_age(self) -> None:
        """age gets the identity by its standard input and the payload by another pipe, and nothing is in its arguments."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.install('printf "%%s\\n" "$*" >%s/args; cat >%s/identity; cat <"$4" >%s/sealed; env >%s/env; echo what age says' % ((folder,) * 4))
        self.assertEqual(unseal.unseal(PATH, self.identity, b"any payload, as long as it must be", False), b"what age says\n")
        seen = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as f:
                seen[name] = f.read()
        self.assertEqual((seen["args"], seen["identity"], seen["sealed"]), (b"-d -i - /dev/fd/3\n", self.identity, b"any payload, as long as it must be"))
        self.assertNotIn(b"AGE-SECRET", seen["env"])
        self.assertEqual(unseal.decryptor, "age")

    @unittest.skipUnless(AGE, "no age to test with: set AGEENV_TEST_AGE")
    def test_real_age(self) -> None:
        """The real age opens, more than a pipe holds too, and names its refusals by the reader."""
        assert AGE
        os.symlink(AGE, os.path.join(self.bin, "age"))
        other, other_point = new_identity()
        self.refused("wrong-identity", "the payload is sealed to another identity", other, seal(SECRET, [self.point]))
        sealed = seal(SECRET, [self.point])
        self.refused("payload-altered", "the payload is altered or cut off", self.identity, sealed[:-1])
        self.refused("payload-malformed", "the payload's header is malformed", self.identity, b"x" + sealed)
        self.refused("open-failed", "the identity is malformed or cut off", self.identity[:-5], sealed)
        for size in 0, 100, 300000:
            plain = os.urandom(size)
            self.assertEqual(unseal.unseal(PATH, self.identity, seal(plain, [other_point, self.point]), False), plain)
        self.assertEqual(unseal.decryptor, "age")

    def test_refusal_is_final(self) -> None:
        """What age refuses is not dropped, though the reader could open it."""
        sealed = seal(SECRET, [self.point])
        for text in ("echo %s; exit 1" % SECRET.decode(), "exit 2", "kill -9 $$", "exit 255"):
            self.install(text)
            self.refused("open-failed", "age cannot open the payload, which is intact: is the age on this box damaged?", self.identity, sealed)
            self.refused("wrong-identity", "the payload is sealed to another identity", new_identity()[0], sealed)
            hybrid = seal(SECRET, [new_identity()[1]], b"-> mlkem768x25519 " + encode(bytes(1120)) + b"\n" + encode(bytes(32)) + b"\n")
            self.refused("needs-age", "the payload is sealed to a hybrid recipient", self.identity, hybrid)

    def test_age_that_hangs(self) -> None:
        """It is ended."""
        self.install("sleep 60")
        with mock.patch.object(unseal, "TIMEOUT", 0.5):
            self.refused("open-failed", "age took more than 0 seconds", self.identity, seal(SECRET, [self.point]))

    def test_age_that_cannot_be_executed(self) -> None:
        """The reader serves, and it is said."""
        sealed = seal(SECRET, [self.point])
        with open(os.path.join(self.bin, "age"), "wb") as f:
            f.write(b"\x7fELF of another machine")
        os.chmod(f.name, 0o755)
        self.assertEqual(unseal.unseal(PATH, self.identity, sealed, False), SECRET)
        for text in "exec /nonexistent/age", "exit 126":
            self.install(text)
            self.assertEqual(unseal.unseal(PATH, self.identity, sealed, False), SECRET)
        self.assertEqual(unseal.decryptor, "python")
        self.assertEqual(set(self.said), {"age cannot be executed: the embedded reader opens the payload of /srv/app.env"})
        unseal.decryptor = "none"
        self.refused("wrong-identity", "the payload is sealed to another identity", new_identity()[0], sealed)

    def test_layouts(self) -> None:
        """A tar becomes a directory, and never a file."""
        tar = archive([("KEY", SECRET), ("OTHER", b"")])
        sealed = seal(tar, [self.point])
        self.assertEqual(unseal.unseal(PATH, self.identity, sealed, True), [(b"KEY", SECRET), (b"OTHER", b"")])
        for almost in b"KEY=ustar\n" * 100, b"ustar" * 50, bytes(257) + b"usta", b"":
            self.assertEqual(unseal.unseal(PATH, self.identity, seal(almost, [self.point]), False), almost)
        unseal.decryptor = "none"
        for payload, directory, message in ((sealed, False, 'the payload is a tar of one file for each key: use layout = "directory"'),
                                            (seal(SECRET, [self.point]), True, "the payload is no tar"),
                                            (seal(archive([]), [self.point]), True, "the payload is an empty tar"),
                                            (seal(archive([("a/" + SECRET.decode(), b"")]), [self.point]), True, "the payload holds a file whose name is not plain")):
            with self.assertRaises(Failure) as caught:
                unseal.unseal(PATH, self.identity, payload, directory)
            self.assertEqual((caught.exception.code, caught.exception.reason), (5, "payload-malformed"))
            self.assertIn("/srv/app.env: " + message, caught.exception.message)
            self.assertNotIn(SECRET.decode(), caught.exception.message)

    def test_nothing_on_standard_error(self) -> None:
        """What age says is not shown."""
        self.install("echo %s >&2; exit 1" % SECRET.decode())
        with tempfile.TemporaryFile() as shown:
            before = os.dup(2)
            os.dup2(shown.fileno(), 2)
            try:
                self.refused("open-failed", "age cannot open", self.identity, seal(SECRET, [self.point]))
            finally:
                os.dup2(before, 2)
                os.close(before)
            shown.seek(0)
            self.assertEqual(shown.read(), b"")
