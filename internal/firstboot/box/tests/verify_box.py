"""A box below a prefix for the tests of verify. Its programs are scripts."""
import os
import shutil
import tempfile
import unittest
from unittest import mock

from ageenv import metadata, process, root, verify
from ageenv.plan import Plan

OWN = "%d:%d" % (os.getuid(), os.getgid())
SECRET = b"S3cret=with'quotes \"and\" $(x)"
MARK = b"AGE-SECRET-KEY-" + b"1QQQQ"
TEXT = (b"# comment: not a value\nTOKEN=\"canary-Value-1\"\nODD=" + SECRET + b"\nSHORT=abc12\nWORD=production\nSITE=https://example.com/x\n"
        b"DB=postgres://user:hunter2@db/app\nexport\nBOTH=shown-Value-2\n")
VALUES = b"canary-Value-1", b"S3cret", b"hunter2", b"whole-Value-3", b"shown-Value-2", b"QQQQ"


def file(path: str, **options: object) -> str:
    """Return a file of the plan as JSON."""
    text = '{"path": "%s", "owner": "%d", "group": "%d", "mode": "0600", ' % (path, os.getuid(), os.getgid())
    return text + '"dir_mode": "%s", "every_boot": %s, "exposure": "%s", "source_digest": "", "layout": "file", "payload": "1"}' % (
        options.get("dir_mode", ""), options.get("every_boot", "false"), options.get("exposure", "file"))


def plan(identity: str = "travels", identity_file: str = "") -> Plan:
    """Return the plan of the box."""
    files = file("/run/app.env", every_boot="true"), file("/etc/shown.env", exposure="env"), file("/run/d", dir_mode="0700")
    return Plan(('{"version": "3", "name": "", "files": [%s], "identity": "%s", "identity_file": "%s", "identity_command": "", '
                 '"block_metadata": false, "metadata_units": [], "units": [], "compose": [], "commands": [], "user_script": ""}'
                 % (", ".join(files), identity, identity_file)).encode())


class VerifyBox(unittest.TestCase):
    """A box on which everything is right."""

    def setUp(self) -> None:
        self.top = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.top)
        self.bin = os.path.join(self.top, "bin")
        os.mkdir(self.bin)
        os.makedirs(os.path.join(self.top, "proc"))
        self.lines = []  # type: list
        self.given = []  # type: list
        for patch in (mock.patch.object(root, "R", os.fsencode(self.top)), mock.patch.object(root, "UID", os.getuid()),
                      mock.patch.object(root, "GID", os.getgid()), mock.patch.dict(os.environ, {"PATH": self.bin}),
                      mock.patch("ageenv.report.write", lambda fd, text: self.lines.append(text)),
                      mock.patch("ageenv.failure.write", lambda fd, text: self.lines.append(text)),
                      mock.patch.object(metadata, "verify", lambda plan, report: report.unseen("the metadata service")),
                      mock.patch("ageenv.kernel.protect_memory", lambda: None), mock.patch.object(process, "run", self.note(process.run))):
            patch.start()  # type: ignore
            self.addCleanup(patch.stop)  # type: ignore
        self.put("/run/app.env", TEXT)
        self.put("/etc/shown.env", b"SHOWN=exposed-Value-4\nBOTH=shown-Value-2\n")
        self.put("/run/d/KEY", b"whole-Value-3")
        os.chmod(self.path("/run/d"), 0o700)
        self.put("/var/lib/ageenv/plan", b"{}")
        self.put("/var/lib/ageenv/identity", MARK)
        self.put("/var/lib/ageenv/sealed.1", b"sealed")
        self.put("/var/lib/ageenv/status.json", b'{\n  "result": "ok",\n}')
        os.chmod(self.path("/var/lib/ageenv"), 0o700)
        self.docker("PORT=8080 WORD=production SHOWN=exposed-Value-4 BOTH=shown-Value-2", "started with abc12 comment: not a value")

    def note(self, run: object) -> object:
        """Keep what programs are given as arguments."""
        def noted(argv: list, *args: object, **options: object) -> process.Result:
            self.given += argv
            return run(argv, *args, **options)  # type: ignore
        return noted

    def path(self, path: str) -> str:
        """Return where a path of the box is."""
        return self.top + path

    def put(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Make a file."""
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "wb") as f:
            f.write(data)
        os.chmod(f.name, mode)

    def install(self, name: str, text: str) -> None:
        """Put a script in PATH."""
        with open(os.path.join(self.bin, name), "w") as f:
            f.write("#!/bin/sh\nPATH=/usr/bin:/bin\n" + text + "\n")
        os.chmod(f.name, 0o755)

    def docker(self, inspect: str, logs: str, code: int = 0) -> None:
        """Have a docker with two containers, of which it shows this."""
        self.install("docker", "case \"$1\" in ps) echo c1 web; echo c2 db,web/db; exit ;; esac\n"
                               "case \"$*\" in inspect*c1) cat <<'E'\n%s\nE\n;; logs*c1) cat <<'E' >&2\n%s\nE\n;; esac; exit %d" % (inspect, logs, code))

    def verify(self, args: "list | None" = None, told: "Plan | None" = None) -> tuple:
        """Return exit code and output, in which no value may be."""
        self.lines.clear()
        code = verify.verify(told or plan(), args or [])
        text = "".join(self.lines)
        for value in VALUES:
            self.assertNotIn(value.decode(), text)
            self.assertNotIn(value.decode(), "\n".join(self.given))
        self.assertNotIn("unexpected", text)
        return code, text

    def passes(self, *lines: str, **options: object) -> None:
        """Assert that nothing fails, and what is said."""
        code, text = self.verify(**options)  # type: ignore
        self.assertEqual((code, text.count("FAIL")), (0, 0), text)
        for line in lines:
            self.assertIn(line + "\n", text)

    def fails(self, *lines: str, **options: object) -> None:
        """Assert which lines fail, and that no others do."""
        code, text = self.verify(**options)  # type: ignore
        self.assertEqual([line for line in text.splitlines() if line.startswith("FAIL")], ["FAIL: " + line for line in lines])
        self.assertEqual(code, 1)
