"""verify: what the box keeps, its last run, swap, and whether a service answers."""
import os
from unittest import mock

from ageenv import verify, verify_copies, verify_files
from tests.verify_box import MARK, OWN, VerifyBox, plan


class VerifyTest(VerifyBox):
    """What is right, and what may be wrong."""

    def test_passes(self) -> None:
        """Each thing that is right has a line."""
        own = verify_files.account_name(os.getuid(), os.getgid())
        self.passes(
            "pass: /run/app.env is %s 0600" % OWN, "pass: /etc/shown.env is %s 0600" % OWN, "pass: /run/d is %s 0700" % OWN, "pass: /run/d/KEY is %s 0600" % OWN,
            "pass: /var/lib/ageenv is %s 0700" % own, "pass: /var/lib/ageenv/identity is %s 0600" % own, "pass: /var/lib/ageenv/plan is %s 0600" % own,
            "pass: /var/lib/ageenv/sealed.1 is %s 0600" % own, "pass: the last run put everything in place",
            "pass: no identity is readable by others in /run/cloud-init, /var/lib/cloud, /var/lib/ageenv, /var/log, /tmp, /var/tmp, /etc",
            "pass: docker inspect of web shows no value", "pass: docker logs of web shows no value", "pass: docker inspect of db shows no value",
            "unseen: the metadata service", "unseen: memory, snapshots of the disk, and what root does")

    def test_box(self) -> None:
        """What is kept for later boots."""
        own = verify_files.account_name(os.getuid(), os.getgid())
        os.chmod(self.path("/var/lib/ageenv/identity"), 0o640)
        os.remove(self.path("/var/lib/ageenv/sealed.1"))
        self.fails("/var/lib/ageenv/sealed.1 is missing: deliver the startup script again",
                   "/var/lib/ageenv/identity is %s 0640, so that others can use it: run chown %s and chmod 0600 on it" % (own, own))

    def test_identity_file(self) -> None:
        """0400 is as good as 0600; what others can read is not."""
        told = plan("file", "/etc/age/key.txt")
        self.put("/etc/age/key.txt", MARK, 0o400)
        self.passes("pass: /etc/age/key.txt is %s 0400" % verify_files.account_name(os.getuid(), os.getgid()), told=told)
        os.chmod(self.path("/etc/age/key.txt"), 0o640)
        own = verify_files.account_name(os.getuid(), os.getgid())
        self.fails("/etc/age/key.txt is %s 0640, so that others can use it: run chown %s and chmod 0600 on it" % (own, own),
                   "others can read an identity in /etc/age/key.txt: run chmod go= on it, and then rotate the identity", told=told)
        os.remove(self.path("/etc/age/key.txt"))
        self.fails("/etc/age/key.txt is missing, and the files cannot be dropped without it: put it there", told=told)
        told.files[0].every_boot = False
        self.passes("pass: /etc/age/key.txt is not there, and is needed no more", told=told)

    def test_last_run(self) -> None:
        """Files may look right and be old."""
        self.put("/var/lib/ageenv/status.json", b'{\n  "result": "failed",\n  "reason": "write"\n}')
        self.fails("the last run did not succeed, and what is in place may be old: look its reason up in `ageenv status`")
        self.put("/var/lib/ageenv/status.json", b'{\n  "result": "waiting",\n}')
        self.fails("the last run waits for something: provide what `ageenv status` gives as the reason")

    def test_swap(self) -> None:
        """Swap that is neither encrypted nor in memory."""
        header = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        for swaps in b"", header:
            self.put("/proc/swaps", swaps)
            self.assertNotIn("swap", self.verify()[1])
        self.put("/proc/swaps", header + b"/swapfile file 1048572 0 -2\n/dev/dm-0 partition 1 0 -3\n/dev/zram0 partition 1 0 5\n/dev/dm-1 partition 1 0 -3\n")
        self.put("/sys/class/block/dm-0/dm/uuid", b"CRYPT-PLAIN-swap\n")
        self.put("/sys/class/block/zram0/backing_dev", b"none\n")
        unseen = "unseen: swap, which is on: files on a tmpfs, and what age holds while it opens a payload, may be written to %s: encrypt it"
        self.passes(unseen % "/swapfile", unseen % "/dev/dm-1", "pass: swap on /dev/dm-0 is encrypted", "pass: swap on /dev/zram0 stays in memory")

    def test_health(self) -> None:
        """The service answers, or not; user and password of the URL are not shown."""
        args = ["--health", "https://user:pass@host/up?key=x"]
        for answer, fault in (("printf 200", ""), ("printf 302", ""), ("printf 503", "answers with HTTP status 503"),
                              ("printf 000; exit 7", "does not answer within 10 seconds"), ("exit 2", "does not answer within 10 seconds"),
                              ("printf 200; exit 28", "answers with HTTP status 200, but not to the end")):
            self.install("curl", answer)
            if fault:
                self.fails("https://host/up %s: look at the service's log" % fault, args=args)
            else:
                self.passes("pass: https://host/up answers with HTTP status " + answer[-3:], args=args)

    def test_health_without_curl(self) -> None:
        """Python asks."""
        from http.server import BaseHTTPRequestHandler, HTTPServer
        from threading import Thread

        class Handler(BaseHTTPRequestHandler):
            """Knows /up."""
            def do_GET(self) -> None:
                """Answer."""
                self.send_response(200 if self.path == "/up" else 503)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Be silent."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        url = "http://127.0.0.1:%d" % server.server_port
        with mock.patch.dict(os.environ, {"no_proxy": "*"}):
            self.passes("pass: %s/up answers with HTTP status 200" % url, args=["--health", url + "/up"])
            self.fails(url + "/down answers with HTTP status 503: look at the service's log", args=["--health", url + "/down"])
            self.fails("http://127.0.0.1:1/ does not answer within 10 seconds: look at the service's log", args=["--health", "http://127.0.0.1:1/"])

    def test_usage(self) -> None:
        """Arguments that verify does not know."""
        for args in ["--health"], ["x"], ["--health", "x"], ["--health", "file:///etc/passwd"], ["--health", "http://x", "y"], ["", "http://x"]:
            self.assertEqual(verify.verify(plan(), args), 64)

    def test_error(self) -> None:
        """An unexpected error is no pass, quotes nothing, and the rest is looked at."""
        with mock.patch.object(verify_copies, "verify", side_effect=ValueError("canary-Value-1")):
            verify.verify(plan(), [])
        text = "".join(self.lines)
        self.assertIn("unseen: what was to be looked at when an unexpected error came: ValueError at ", text)
        self.assertNotIn("canary", text)
        self.assertNotIn("no identity", text)
        self.assertIn("pass: docker", text)
