"""Whether docker shows values, in what it tells of a container or in its log."""
import time

from ageenv import process, root
from ageenv.report import Report
from ageenv.verify_values import Values

# Seconds for an answer, and for all of them, and bytes of an answer.
SECONDS, IN_ALL, LIMIT = 30, 300, 64 << 20
# As JSON, and as it is: JSON has another form for quotes and backslashes.
WAYS = (("inspect", ["-f", "{{json .}} {{println .Config .Args}}"],
         "use exposure = \"env\" if that is meant, else mount the file"),
        ("logs", ["--tail", "10000"],
         "have the program in it not log the value, and rotate the value"))


def verify(values: Values, report: Report) -> None:
    """Look for values in what docker shows of each container."""
    if process.which("docker") is None:
        report.unseen("containers: docker is not installed")
        return
    if not values:
        report.unseen("containers: there is no value to look for")
        return
    listed = process.run(["docker", "ps", "-a", "--format", "{{.ID}} {{.Names}}"], timeout=root.seconds(SECONDS))
    if listed.code:
        report.unseen("containers: docker does not answer")
        return
    until = time.monotonic() + IN_ALL
    for line in listed.out.decode("utf-8", "replace").splitlines():
        number, _, names = line.partition(" ")
        for command, options, advice in WAYS:
            what = "docker %s of %s" % (command, names.split(",")[0] or number)
            if time.monotonic() > until:
                report.unseen("%s: those before took more than %d seconds" % (what, IN_ALL))
                continue
            got = process.run(["docker", command] + options + [number], timeout=root.seconds(SECONDS), limit=LIMIT, errors=True)
            files = values.found_in(got.out)
            if files:
                report.failed("%s shows a value of %s: %s" % (what, ", ".join(files), advice))
            elif got.code:
                report.unseen("%s: docker failed, or took more than %d seconds or %d MiB" % (what, SECONDS, LIMIT >> 20))
            else:
                report.passed("%s shows no value" % what)
