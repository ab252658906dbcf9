"""The reader: primitives, sizes, and each way to be refused. All official vectors run in reader_test.go."""
import os
import shutil
import subprocess
import unittest

from ageenv import reader
from tests.sealing import encode, encrypt, new_identity, seal, stanza

AGE = os.environ.get("AGEENV_TEST_AGE") or shutil.which("age")


class PrimitivesTest(unittest.TestCase):
    """The vectors of the RFCs."""

    def test_x25519(self) -> None:
        """RFC 7748, sections 5.2 and 6.1."""
        for scalar, point, want in (
                ("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                 "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                 "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
                ("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                 "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                 "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"),
                ("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
                 "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
                 "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")):
            self.assertEqual(reader._x25519(bytes.fromhex(scalar), bytes.fromhex(point)).hex(), want)

    def test_chacha20(self) -> None:
        """RFC 8439, section 2.3.2, whose counter is 1."""
        stream = reader._chacha20(bytes(range(32)), bytes.fromhex("000000090000004a00000000"), 3)
        self.assertEqual(
            stream[64:128].hex(),
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
            "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e")

    def test_poly1305(self) -> None:
        """RFC 8439, section 2.5.2."""
        key = bytes.fromhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
        self.assertEqual(reader._poly1305(key, b"Cryptographic Forum Research Group").hex(), "a8061dc1305136c6c22b8baf0c0127a9")


class OpenTest(unittest.TestCase):
    """Files that open, and files that are refused."""

    def setUp(self) -> None:
        self.identity, self.point = new_identity()

    def refused(self, fault: str, code: str, identity: bytes, data: bytes) -> None:
        """Assert how a file is refused."""
        with self.assertRaises(reader.Refused) as caught:
            reader.open_file(identity, data)
        self.assertEqual((caught.exception.fault, caught.exception.code), (fault, code))
        self.assertNotIn("AGE-SECRET", str(caught.exception))

    def test_sizes(self) -> None:
        """At the borders of blocks and chunks."""
        for size in 0, 1, 15, 16, 17, 63, 64, 65, 65535, 65536, 65537, 131072, 131073:
            plain = bytes(i * 7 & 255 for i in range(size))
            self.assertEqual(reader.open_file(self.identity, seal(plain, [self.point])), plain, size)

    def test_several(self) -> None:
        """The identity that fits is found among recipients and identities, and others' stanzas are left alone."""
        other, other_point = new_identity()
        data = seal(b"x", [other_point, self.point], b"-> other with words\n\n")
        self.assertEqual(reader.open_file(b"# comment\n\n" + new_identity()[0] + self.identity, data), b"x")
        self.assertEqual(reader.open_file(other.rstrip(), data), b"x")

    def test_wrong_identity(self) -> None:
        """No identity fits."""
        self.refused("no match", "wrong-identity", new_identity()[0], seal(b"x", [self.point]))

    def test_identities(self) -> None:
        """What is not an identity file."""
        data = seal(b"x", [self.point])
        text = self.identity.decode().rstrip()
        for bad in ("", "# only\n", text[:-1], text + "Q", text.lower(), text + " ", text + "\r\n", text + "\nrubbish\n", text + "\0",
                    text[:20] + "B" + text[21:], text[:-1] + ("P" if text[-1] == "Q" else "Q"), "\xe9" + text):
            self.refused("identity", "identity-malformed", bad.encode(), data)

    def test_hybrid(self) -> None:
        """Needs age, whichever identity there is; unless a recipient fits all the same."""
        hybrid = b"-> mlkem768x25519 " + encode(bytes(1120)) + b"\n" + encode(bytes(32)) + b"\n"
        _, stranger = new_identity()
        data = seal(b"x", [stranger], hybrid)
        for identity in self.identity, b"AGE-SECRET-KEY-PQ-1QQQ\n":
            self.refused("hybrid", "needs-age", identity, data)
        self.assertEqual(reader.open_file(self.identity, seal(b"x", [self.point], hybrid)), b"x")

    def test_altered(self) -> None:
        """Each byte counts, and nothing is returned of a file whose end is missing or continued."""
        data = seal(b"plain text", [self.point])
        header = data.index(b"\n---") + 1
        for at in range(len(data)):
            damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
            with self.assertRaises(reader.Refused) as caught:
                reader.open_file(self.identity, damaged)
            if at > header + 48:
                self.assertEqual(caught.exception.code, "payload-altered")
        for at in range(len(data)):
            with self.assertRaises(reader.Refused):
                reader.open_file(self.identity, data[:at])
        self.refused("payload failure", "payload-altered", self.identity, data + b"x")

    def test_chunks(self) -> None:
        """Chunks that are swapped, left out, repeated or empty."""
        data = seal(bytes(3 * 65536), [self.point])
        start = len(data) - 3 * reader.CHUNK
        head, one, two, three = data[:start], data[start:start + reader.CHUNK], data[start + reader.CHUNK:-reader.CHUNK], data[-reader.CHUNK:]
        self.assertEqual(len(reader.open_file(self.identity, head + one + two + three)), 3 * 65536)
        for body in two + one + three, one + three, one + two, one + two + three + three, one + one + two + three, b"":
            self.refused("payload failure", "payload-altered", self.identity, head + body)

    def test_empty_last_chunk(self) -> None:
        """An empty chunk ends an empty payload only, though its tag is right."""
        file_key, nonce = bytes(range(16)), bytes(16)
        key = reader._hkdf(file_key, nonce, b"payload")
        first = encrypt(key, bytes(12), bytes(65536))
        last = encrypt(key, (1).to_bytes(11, "big") + b"\1", b"")
        with self.assertRaises(reader.Refused) as caught:
            reader._open_payload(file_key, nonce + first + last)
        self.assertEqual(caught.exception.fault, "payload failure")
        self.assertEqual(reader._open_payload(file_key, nonce + encrypt(key, bytes(11) + b"\1", b"")), b"")

    def test_headers(self) -> None:
        """What age does not take for a header either."""
        data = seal(b"x", [self.point])
        intro, rest = data.split(b"\n", 1)
        for bad in (b"", b"\n", b"age-encryption.org/v2\n" + rest, intro + b"\r\n" + rest, intro + b"\n" + rest[rest.index(b"---"):],
                    intro + b"\n-> X25519\n\n" + rest, intro + b"\n-> X25519 AA\n\n" + rest, intro + b"\n->\n\n" + rest, intro + b"\n-> x\nAB\n" + rest,
                    intro + b"\n-> x\n" + b"A" * 68 + b"\n\n" + rest, intro + b"\n-> x\x7f\n\n" + rest, intro + b"\n" + b"-> x\n\n" * 1024 + rest,
                    intro + b"\n-> x" + b" y" * 129 + b"\n\n" + rest, intro + b"\n-> x\n" + (b"A" * 64 + b"\n") * 32300 + b"\n" + rest,
                    intro + b"\n-> X25519 " + encode(bytes(32)) + b"\n" + encode(bytes(32)) + b"\n" + rest, b"-----BEGIN AGE ENCRYPTED FILE-----\n"):
            self.refused("header failure", "payload-malformed", self.identity, bad)
        # A file key of another size could fit several identities.
        for size in 0, 15, 17, 32:
            self.refused("header failure", "payload-malformed", self.identity, intro + b"\n" + stanza(self.point, bytes(size)) + rest)
        altered = data.replace(b"\n--- ", b"\n-> grease\n\n--- ")
        self.refused("HMAC failure", "payload-altered", self.identity, altered)

    @unittest.skipUnless(AGE, "no age to compare with: set AGEENV_TEST_AGE")
    def test_agrees_with_age(self) -> None:
        """What the tests seal, age opens; what age seals, the reader opens."""
        assert AGE
        for size in 0, 100, 65536, 70000:
            plain = os.urandom(size)
            data, read_end = seal(plain, [self.point]), []  # type: bytes, list
            fd, write_end = os.pipe()
            os.write(write_end, self.identity)
            os.close(write_end)
            read_end.append(fd)
            done = subprocess.run([AGE, "-d", "-i", "/dev/fd/%d" % fd], input=data, stdout=subprocess.PIPE, pass_fds=read_end)
            os.close(fd)
            self.assertEqual((done.returncode, done.stdout), (0, plain))
            recipient = reader._bech32_encode("age", self.point).lower()
            done = subprocess.run([AGE, "-r", recipient], input=plain, stdout=subprocess.PIPE)
            self.assertEqual(reader.open_file(self.identity, done.stdout), plain)
