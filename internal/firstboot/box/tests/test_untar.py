"""The tar of a directory. tar_test.go compares many more with what Go takes."""
import io
import tarfile
import unittest

from ageenv import untar


def archive(entries: list, form: int = tarfile.USTAR_FORMAT) -> bytes:
    """Return a tar of (name, content) or TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for entry in entries:
            if isinstance(entry, tuple):
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                tar.addfile(info, io.BytesIO(entry[1]))
            else:
                tar.addfile(entry)
    return out.getvalue()


def special(kind: bytes) -> tarfile.TarInfo:
    """Return an entry that is not a regular file."""
    info = tarfile.TarInfo("special")
    info.type = kind
    info.linkname = "target"
    return info


def signed(block: bytes) -> bytes:
    """Return a header with its checksum put right."""
    block = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


class UntarTest(unittest.TestCase):
    """What is taken, and what is refused."""

    def refused(self, data: bytes, message: str) -> None:
        """Assert that it is refused, and why."""
        with self.assertRaises(untar.Malformed) as caught:
            untar.files(data)
        self.assertIn(message, str(caught.exception))

    def test_formats(self) -> None:
        """Names and contents, in each format that Python writes."""
        entries = [("KEY", b"value"), ("a.b-c_9", b""), ("_" + "n" * 99, bytes(513)), ("B", b"x" * 512)]
        for form in tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT:
            self.assertEqual(untar.files(archive(entries, form)), [(name.encode(), data) for name, data in entries])
        for form in tarfile.GNU_FORMAT, tarfile.PAX_FORMAT:
            entries = [("n" * 255, b"1"), ("after", b"2")]
            self.assertEqual(untar.files(archive(entries, form)), [(name.encode(), data) for name, data in entries])

    def test_names(self) -> None:
        """Only plain names, each once."""
        for name in ".hidden", "-rf", "a/b", "/abs", "..", "a b", "a\nb", "\u00e9", "a\\b", "n" * 256:
            self.refused(archive([("KEY", b"x"), (name, b"y")], tarfile.PAX_FORMAT), "holds a file whose name is not plain, as entry 2")
        self.refused(archive([("KEY", b"x"), ("KEY", b"y")]), "holds two files of the same name, the second as entry 2")
        info = tarfile.TarInfo("ignored")
        info.pax_headers = {"path": "KEY"}
        self.refused(archive([("KEY", b"x"), info], tarfile.PAX_FORMAT), "same name")

    def test_kinds(self) -> None:
        """Regular files only."""
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE,
                     b"g", b"V", b"Z"):
            self.refused(archive([special(kind)]), "holds something else than a regular file, as entry 1")
        self.refused(archive([special(tarfile.GNUTYPE_SPARSE)]), "holds a sparse file, as entry 1")
        info = tarfile.TarInfo("KEY")
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1000000000"}
        self.refused(archive([info], tarfile.PAX_FORMAT), "holds a sparse file, as entry 1")

    def test_no_tar(self) -> None:
        """Compressed, cut off, damaged, or something else."""
        import gzip
        whole = archive([("KEY", b"x" * 600), ("OTHER", b"y")])
        for data in (b"", b"x", b"KEY=value\n" * 100, gzip.compress(whole), whole[:511], whole[:512], whole[:700], whole[:1700]):
            with self.assertRaises(untar.Malformed):
                untar.files(data)
        for at in range(0, 512, 7):
            self.refused(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:], "is no tar")
            self.refused(whole[:1536 + at] + bytes([whole[1536 + at] ^ 0x55]) + whole[1537 + at:], "is no tar")
        self.refused(bytes(1024), "is an empty tar")
        self.refused(whole[:2560] + bytes(512) + b"x" * 512, "is no tar")
        self.assertEqual(len(untar.files(whole[:2560] + bytes(1024) + b"rubbish")), 2)

    def test_sizes(self) -> None:
        """A size that is not there is refused, and read at once."""
        block = archive([("KEY", b"x")])[:512]
        for field in (b"77777777777\0", b"-0000000001\0", b"\xff" * 12, b"\x80" + b"\x7f" * 11, b"\xc0" + bytes(11), b"00000000x01\0", b"0x000000001\0"):
            self.refused(signed(block[:124] + field + block[136:]) + bytes(1536), "is no tar")
        for field in b"\x80" + bytes(10) + b"\x03", b"          3 ", b"3\0          ":
            self.assertEqual(untar.files(signed(block[:124] + field + block[136:]) + b"abc" + bytes(1533)), [(b"KEY", b"abc")])
        for size in "-1", "1000000", "x", "9" * 30, "1.0":
            info = tarfile.TarInfo("KEY")
            info.pax_headers = {"size": size}
            self.refused(archive([info], tarfile.PAX_FORMAT), "is no tar")

    def test_many(self) -> None:
        """The number of files has a bound."""
        entries = [("K%d" % i, b"") for i in range(untar.MAX_ENTRIES)]
        self.assertEqual(len(untar.files(archive(entries))), untar.MAX_ENTRIES)
        self.refused(archive(entries + [("ONE", b"")]), "more than 10000 files")

    def test_records(self) -> None:
        """Records of a PAX header that are not."""
        def data(text: bytes) -> bytes:
            info = tarfile.TarInfo("h")
            info.type, info.size = b"x", len(text)
            return info.tobuf(tarfile.USTAR_FORMAT) + text + bytes(-len(text) % 512) + archive([("KEY", b"x")])

        self.assertEqual(untar.files(data(b"9 path=A\n")), [(b"A", b"x")])
        self.assertEqual(untar.files(data(b"8 path=\n")), [(b"KEY", b"x")])
        for text in b"9 path=A ", b"8 path=A\n", b"11 path=A\n", b"-9 path=A\n", b"path=A\n", b"x", b"4 =\n", b"9 path A\n", b"11 path=A\0\n", b"5 =A\n", b"0 path=A\n":
            with self.subTest(text):
                self.refused(data(text), "is no tar")
