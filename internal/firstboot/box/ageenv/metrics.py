"""Metrics for node_exporter's textfile collector, where that has a directory."""
import time

from ageenv import drafts, status, walk
from ageenv.failure import Failure, say, show
from ageenv.plan import Plan

# Where Debian's package and the usual instructions have the collector look.
DIRECTORIES = b"/var/lib/prometheus/node-exporter", b"/var/lib/node_exporter/textfile_collector"


def write(plan: Plan, run: status.Run) -> None:
    """Leave ageenv.prom. The directory may be another user's, and is handled as such."""
    for directory in DIRECTORIES:
        path = directory + b"/ageenv.prom"
        try:
            walk.directory(directory).close()
        except (OSError, Failure):
            continue
        try:
            drafts.write(path, text(plan, run).encode(), 0o644)
        except (OSError, Failure):
            say("%s cannot be written" % show(path))


def changed_at(plan: Plan) -> int:
    """Return when the identity came to this box; 0 if it has not."""
    paths = [b"/var/lib/ageenv/identity", b"/var/lib/ageenv/box"] if plan.identity != "file" else [plan.identity_file]
    for path in paths:
        try:
            place = walk.walk(path)
            place.close()
            return int(place.st.st_mtime)
        except (OSError, Failure):
            pass
    return 0


def text(plan: Plan, run: status.Run) -> str:
    """Return the metrics."""
    out = []
    labels = "{name=%s,result=%s,reason=%s}" % tuple(map(status.quote, (plan.name, run.result, run.reason)))
    for name, explained, label, value in (
            ("success", "Whether the last run put everything in place.", "", run.result == "ok"),
            ("result", "How the last run ended.", labels, 1),
            ("exit_code", "The exit code of the last run.", "", run.code),
            ("last_run_timestamp_seconds", "When the last run ended.", "", time.time()),
            ("last_success_timestamp_seconds", "When a run last put everything in place; 0 if none has.", "", status.last_success()),
            ("every_boot", "Whether there are files that are dropped at every boot.", "", bool(plan.every())),
            ("metadata_open", "Whether the metadata service was to be closed and is open.", "", run.metadata == "open"),
            ("identity_timestamp_seconds", "When the identity came to this box; 0 if it has not.", "", changed_at(plan))):
        out.append("# HELP ageenv_%s %s\n# TYPE ageenv_%s gauge\nageenv_%s%s %d\n" % (name, explained, name, name, label, value))
    out.append("# HELP ageenv_file_info The files, with the digest of the bundle that each is of.\n# TYPE ageenv_file_info gauge\n")
    for f in plan.files:
        out.append("ageenv_file_info{path=%s,source_digest=%s} 1\n" % (status.quote(f.name), status.quote(f.digest)))
    return "".join(out)
