import base64
import os
import unittest

from ageenv import base85


class Base85(unittest.TestCase):
    def test_decodes_what_python_encodes(self):
        for size in list(range(20)) + [819, 820, 821, 100000]:
            for data in b"\0" * size, b"\xff" * size, os.urandom(size):
                text = base64.b85encode(data)
                self.assertEqual(base85.decode(text), data)
                lines = b"\n".join(text[i : i + 7] for i in range(0, len(text), 7))
                self.assertEqual(base85.decode(lines + b"\n"), data)

    def test_refuses(self):
        for text in b"0123.", b'ab"', b"a b", b"\xff", b"~~~~~", b"|NsC1":
            with self.assertRaises(ValueError, msg=text):
                base85.decode(text)


if __name__ == "__main__":
    unittest.main()
