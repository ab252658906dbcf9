"""The values of files, and how they are found; what is shown of a URL."""
import unittest

from ageenv import verify_health, verify_values


class ValuesTest(unittest.TestCase):
    """What counts as a value, and how it is found."""

    def found(self, text: bytes, seen: bytes) -> bool:
        """Report whether a value of env text is found."""
        values = verify_values.Values()
        values.add_text(text, "f", False)
        return values.found_in(seen) == ["f"]

    def test_forms(self) -> None:
        """As written, as read, and in JSON."""
        for text, seen in ((b'A="pass\\$word\\"1"', b'pass$word"1'), (b'A="pass\\$word\\"1"', b'"A=pass$word\\"1"'), (b"A=one$$two$$3", b"one$two$3"),
                           (b"A='a<b>c&d-1'", b"a\\u003cb\\u003ec\\u0026d-1"), (b'A="line 1\\nline 2"', b"line 1\\nline 2"), (b'A="line 1\\nline 2"', b"line 1\nline 2"),
                           (b"A=`both'kinds\"1`", b"both'kinds\"1"), (b"A=with=equals=1\r\n", b"with=equals=1"), (b"no-name-Here", b"no-name-Here"), (b"=odd-Value", b"=odd-Value"),
                           (b"A = spaced-Value1 ", b"spaced-Value1"), (b"A=https://u:p@host", b"https://u:p@host"), (b"-----BEGIN-----\nMIIBVgIBADAN", b"MIIBVgIBADAN")):
            self.assertTrue(self.found(text, b"before " + seen + b" after"), text)
        for text in b"A=short12", b"A=lower_case-word", b"A=https://example.com/x", b"# A=comment-Text1", b"-----BEGIN-----", b"":
            self.assertFalse(self.found(text, b"before " + text + b" after"), text)

    def test_short(self) -> None:
        """Short ones are not even kept."""
        values = verify_values.Values()
        values.add_text(b"A=1234567\nB=12345678\n", "f", False)
        self.assertEqual(len(values), 1)

    def test_shown(self) -> None:
        """A value that another file may show is not minded."""
        values = verify_values.Values()
        values.add_text(b"A=shown-Value-1\nB=other-Value-2\n", "file", False)
        values.add_text(b"X=shown-Value-1\n", "env", True)
        self.assertEqual((len(values), values.found_in(b"shown-Value-1"), values.found_in(b"other-Value-2")), (1, [], ["file"]))

    def test_url(self) -> None:
        """What of a URL is shown."""
        for url, want in (("http://u:p@h:1/a?b", "http://h:1/a"), ("https://h", "https://h"), ("http://h/a@b", "http://h/a@b")):
            self.assertEqual(verify_health.without_user(url), want)
