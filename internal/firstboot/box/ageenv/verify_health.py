"""Whether a service answers."""
import sys

from ageenv import process, root
from ageenv.report import Report

SECONDS = 10
# Where there is no curl. In a process of its own, since an answer may come a byte at a time.
PROGRAM = ("import sys, urllib.error, urllib.request\n"
           "try: print(urllib.request.urlopen(sys.argv[1], timeout=10).status)\n"
           "except urllib.error.HTTPError as e: print(e.code)\n")


def verify(url: str, report: Report) -> None:
    """Report whether the URL answers, with a status below 400."""
    if process.which("curl") is not None:
        argv = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", str(SECONDS), "--", url]
    else:
        argv = [sys.executable, "-I", "-c", PROGRAM, url]
    got = process.run(argv, timeout=root.seconds(SECONDS + 2))
    name = without_user(url)
    code = got.out.decode("ascii", "replace").strip()
    if not code.isdigit() or code == "000":
        report.failed("%s does not answer within %d seconds: look at the service's log" % (name, SECONDS))
    elif int(code) >= 400:
        report.failed("%s answers with HTTP status %s: look at the service's log" % (name, code))
    elif got.code:
        report.failed("%s answers with HTTP status %s, but not to the end: look at the service's log" % (name, code))
    else:
        report.passed("%s answers with HTTP status %s" % (name, code))


def without_user(url: str) -> str:
    """Return a URL without user, password and query."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("?")[0].partition("/")
    return scheme + "://" + host.rpartition("@")[2] + slash + path
