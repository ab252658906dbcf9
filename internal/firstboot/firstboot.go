// Package firstboot renders the script that a new box runs once, as root, on
// its first boot: it opens sealed files with an identity that travels in it or is
// had on the box, and puts all of them in place or none.
//
// The map: params.go says what goes in; check.go, after.go and tar.go what is
// refused; quote.go how text gets into the script; plan.go what the program on the
// box is told; program.go what that program is made of; render.go puts it all into
// the script. The script itself is start.sh.tmpl, the program is in box/, and with
// it reader.py, the age reader for boxes without age.
//
// # How the script is run
//
// As a vendor-data script of cloud-init, or as /tmp/firstboot.exec under
// /bin/bash: by root, in /, with HOME unset, nothing on its input, umask 022. It
// leans on none of these, runs in dash, bash, busybox sh, mksh and ksh93, and
// needs a systemd that runs, the usual coreutils, gzip, tar, and one of age and
// python3 (platform-python will do). It downloads nothing. Where one of these is
// missing it stops before anything is unpacked, and does nothing at all: not even
// what shows the script is closed.
//
// Every payload is opened before any target is looked at, every file is staged
// beside its target before any is renamed, and if a rename fails, those before
// it are taken back. A target whose bytes, owner, group and mode are right
// already is not touched. A target that is a symlink is refused; directories
// above it may be symlinks, as /var/run is one. Missing directories are made,
// root's and 0755, and stay if the run fails later. An empty directory in the
// target's place is replaced, since docker makes one of a missing file.
//
// A directory of files is swapped in as one: its new form is made beside it, and
// the kernel exchanges the two names (mv --exchange of coreutils 9.5, else
// renameat2 through python3). Where neither is there, or the file system cannot
// exchange, there are two renames, and a moment without the directory between
// them; killed in that very moment, the box is without it until the next run. A
// directory that holds something that no earlier run has put there is refused.
//
// When anything was written, units are restarted, containers made anew and
// commands run, in this order; what failed, or was cut off, is done by the next
// run, even if that finds every file right. Units are started with --no-block and
// looked after for half a minute: the script runs inside cloud-final, and would
// otherwise wait for ever for a unit that is ordered after that.
//
// # Later boots
//
// What stays on the box: the program, /usr/local/sbin/ageenv; in /var/lib/ageenv,
// which is root's alone, the plan, and where files are to be dropped again at every
// boot their payloads, and an identity that travelled; and ageenv.service, which
// docker and the units to be restarted wait for, and do not start without. It is
// ordered before them and after cloud-init has learnt which instance this is, and
// never after the end of cloud-init.
//
// An identity file that is not there yet is no failure: everything is laid out,
// and a path unit drops the files when it appears. Until then, later boots start
// without docker. The file is made root's, and taken from others, when it is read.
// What an identity command prints is kept in /run only, as long as it is needed.
//
// A box whose instance ID or DMI serial number is another than at the first boot
// is a clone, or a snapshot that was restored elsewhere: it drops nothing, and
// removes payloads, identity and all targets before docker would start. A script
// that it runs itself makes it a box of its own. A snapshot that is restored to the
// same box is that box; a reinstalled one is new.
//
// It prints a line for each file (path, owner:group, mode, "written" or
// "unchanged"), and on standard error what went wrong. No line ever holds a
// value or the identity.
//
// # What shows the script
//
// An identity in a script is shown by the metadata service to every process on the
// box, and by copies that cloud-init keeps; Debian 12 lets everybody read some of
// them. With Params.BlockMetadata the service is closed, by policy routing rules
// that neither a firewall's reload nor systemd-networkd removes and a unit that
// sets them before the network is up, to all but root's own processes: not to
// containers on the host's network that run as root. The copies are made root's
// alone as the script begins, and at later boots at the end of each of cloud-init's
// stages. What stays open: the time before the script has run, and at each boot on
// Debian 12 the moment between cloud-init's writing and the end of that stage.
//
// # Asking a box
//
// `ageenv status` prints the status file. `ageenv verify` looks whether what was
// promised holds: owners and modes; no copy of an identity that others can read;
// the metadata service as another user finds it, and as a packet from a bridge would
// be sent on; and no value in what docker shows of a container or its log. It prints
// a line for each, "pass" or "FAIL", or "unseen" for what cannot be told, and never
// a value; its exit code is 1 if anything fails.
//
// Where node_exporter's textfile collector has a directory, every run leaves
// ageenv.prom there; examples/monitoring has rules and a dashboard.
//
// # Exit codes
//
// With the reasons that the status file gives for them:
//
//	0    everything is in place
//	1    unexpected: a command failed that never should; cut-off: the end of the script is missing
//	2    not-root, bad-root (AGEENV_ROOT), missing-tool
//	3    no-decryptor: neither age nor python3
//	4    run-dir: no private directory in /run, or it is full
//	5    wrong-identity, payload-malformed (its tar, too), payload-altered, needs-age (a hybrid payload); open-failed if age alone is there and cannot say which
//	6    owner: no such user or group, or not permitted
//	7    target-symlink, target-directory (not empty), target-special, target-unreadable
//	8    write: disk full, read-only, immutable, not a file system that keeps owners
//	9    identity-missing, identity-open (cannot be taken from others), identity-malformed, identity-command (failed, or took over a minute)
//	10   after: the files are in place, and what was to follow failed
//	11   clone
//	12   no-systemd: systemd does not run
//	129, 130, 143  signal: SIGHUP, SIGINT, SIGTERM
//
// # Status
//
// /var/lib/ageenv/status.json (0600 in a directory of 0700, replaced as one) holds
// template_version, name, time (RFC 3339, UTC), result ("ok", "failed" or, for an
// identity file that is not there yet, "waiting"), reason, exit_code,
// decryptor ("age", "python", "none"), metadata ("closed"; "open" if it was to be closed and could
// not be; "untouched") and files, each with
// path, layout, owner, group, mode, source_digest and state: "written", "unchanged", or
// "kept", which is whatever was there before, if anything.
//
// # Trying it out
//
// With AGEENV_ROOT set to a directory, every path the script touches is below
// that directory, it need not be root, and AGEENV_PATH, if set, replaces the
// fixed PATH. run/systemd/system has to be there, as on a box that systemd has
// booted; systemctl is called only if run/systemd/private is, too, so that the
// machine's own systemd is left alone. An absolute symlink below the root still leads out of it.
package firstboot

// TemplateVersion tells scripts apart that behave differently: it is in the
// script's second line and in the status file. Raise it with every change of
// start.sh.tmpl or box/ that a box can notice.
const TemplateVersion = "2"

// SizeAdvised is the size in bytes that a script had better not exceed. Vultr
// documents no limit; of the clouds that document one for user data, few take less
// than 32 KiB. A script without any payload has some 19 KiB.
const SizeAdvised = 32 << 10
