// Package firstboot renders the script that a new box runs once, as root, on
// its first boot: it opens sealed files with an identity that travels in it or that
// the box reads itself, and puts all of them in place or none.
//
//   - firstboot.go: this overview
//   - params.go, user_script.go: the input
//   - check.go, after.go, tar.go: what is refused
//   - plan.go: what the program on the box is told
//   - program.go, strip.go, base85.go: packing that program
//   - render.go, quote.go: the script
//   - userdata.go: the script as user data
//
// The script is start.sh.tmpl. The program is the Python package box/ageenv, whose
// __init__.py lists its own files.
//
// # How the script is run
//
// As a vendor-data script of cloud-init, or as /tmp/firstboot.exec under
// /bin/bash: by root, in /, with HOME unset, nothing on its input, umask 022. It
// leans on none of these, runs in dash, bash, busybox sh, mksh, ksh93 and zsh, and
// needs a systemd that runs and python3 (3.6 or later; platform-python will do). It
// downloads nothing. Where one of these is missing it stops before anything is
// unpacked, and does nothing at all: not even what shows the script is closed. The
// shell part hands program, plan, identity and payloads to Python on one descriptor;
// a script that is cut off anywhere does nothing.
//
// Every payload is opened before any target is looked at, every file is staged
// next to its target before any is exchanged with it, and if an exchange fails, those
// before it are taken back. A target whose bytes, owner, group and mode are right
// already is not touched. An empty directory in the target's place is replaced, since
// docker makes one of a missing file. A directory of files is exchanged as one; a
// directory that holds something that no earlier run has put there is refused. Where a
// file system cannot exchange, there are two renames, and a moment without the
// directory between them.
//
// # In directories of others
//
// A path is walked from the root, and what follows is done through descriptors:
// whoever owns a directory on the way can rename it or put a symlink in its place at
// any moment. A symlink is followed only if root owns it and every directory on the way
// to it is root's and writable by root alone. What is there is looked at with O_PATH
// before it is opened, so that a pipe or a write lease hangs nothing. Drafts are made
// exclusively, under random names that are noted first in a list that root alone can
// read, in /run where the disk cannot be written; the next run removes what is on that list,
// and nothing else. Access lists that
// a new file inherits are removed before its mode is set. After the exchange the path
// is walked again and has to lead to the new file. Missing parents take owner, group
// and mode & 0755 of the directory that they are made in; below a sticky one they are
// root's, 0755.
//
// A parent process that opens no target holds the deadline: it kills a run that hangs,
// and ends itself even if that cannot die. Signals are looked at between steps.
//
// When anything was written, units are restarted, containers made again and commands
// run, in this order; what failed, or was cut off, is done by the next run. Units are
// started with --no-block and looked after for half a minute: the script runs inside
// cloud-final, and would otherwise wait for ever for a unit that is ordered after that.
//
// # Later boots
//
// What stays on the box: the program, /usr/local/sbin/ageenv; in /var/lib/ageenv,
// which is root's alone, the plan, and where files are to be dropped again at every
// boot their payloads, and an identity that travelled; and ageenv.service, which
// docker and the units to be restarted wait for, and do not start without. It is
// ordered before them, after the mounts of its files and after cloud-init has learnt
// which instance this is, and never after the end of cloud-init.
//
// Everything that the first boot needs is kept until its files are in place, so that a
// run that was cut off is repeated at the next boot. Payloads are kept under names made
// of their bytes, and the plan is replaced last: wherever a newer script is cut off, the
// older plan or the newer one finds all that is its own. A run whose plan was replaced
// meanwhile ends without a word.
//
// What may still come is no failure: an identity file, a user or group, a compose
// project, a unit that takes its time. Everything is kept, and ageenv-wait.service
// tries again for a quarter of an hour, from the end of cloud-init on and at each boot.
//
// While a run is going, identity and plaintext are in locked memory. What is dropped on
// a tmpfs may be swapped out, as age's memory may: where swap is on, encrypt it, and
// `ageenv verify` says so.
//
// A box whose serial number is another than at the first boot is a clone, or a snapshot
// that was restored elsewhere; where one of the two serial numbers is unknown, the
// instance IDs decide in the same way. A clone drops nothing, and removes payloads,
// identity and all targets before docker would start. A script that it runs itself
// makes it a box of its own. Where nothing can be compared, as when cloud-init found no
// data source at this boot, nothing is removed, and what is known is not forgotten.
//
// It prints a line for each file (path, owner:group, mode, "written" or
// "unchanged"), and on standard error what went wrong. No line ever holds a
// value or the identity, and there is no traceback: an unexpected error is told by its
// type, module and line.
//
// # What shows the script
//
// An identity in a script is shown by the metadata service to every process on the
// box, and by copies that cloud-init keeps; Debian 12 lets everybody read some of
// them. With Params.BlockMetadata the service is closed to all but cloud-init: by
// IPAddressDeny= on systemd's root slice, by a packet filter on the root control group,
// and by policy routing rules. It is called closed only after a process of nobody's has
// tried. The copies are made root's alone as the script begins, and at later boots at
// the end of each of cloud-init's stages.
//
// # The user's own script
//
// Params.UserScript runs once per instance, after the files are in place, what follows
// them is done and the status is written. It runs as cloud-init runs a script, in the
// process that the deadline's child has left: it has no deadline, since nothing but the
// end of cloud-init waits for it, and nobody knows how long it may take. Where the files
// had to wait, ageenv-user-script.service runs it, without a time limit either. It gets
// /dev/null as input, and no other open file, argument or variable of this program. It
// is in the plan, which is kept on the box, and so are its text and what became of it:
// /var/lib/ageenv/user-script and user-script.state.
//
// # Asking a box
//
// `ageenv status` prints the status file. `ageenv verify` looks whether what was
// promised holds: owners and modes; no copy of an identity that others can read;
// the metadata service; and no value in what docker shows of a container or its log. It
// prints a line for each, "pass" or "FAIL", or "unseen" for what cannot be told, and
// never a value; its exit code is 1 if anything fails.
//
// Where node_exporter's textfile collector has a directory, every run leaves
// ageenv.prom there; examples/monitoring has rules and a dashboard.
//
// # Exit codes
//
// With the reasons that the status file gives for them:
//
//	0    everything is in place, or the first boot waits for something
//	1    unexpected: an error that never should be; killed; cut-off: the end of the script is missing
//	2    not-root, bad-root (AGEENV_ROOT), no-plan
//	3    no-python: python3 is missing, older than 3.6, or without ctypes
//	4    run-dir: no private directory in /run
//	5    wrong-identity, payload-malformed (its tar, too), payload-altered, payload-missing, needs-age (a hybrid payload), open-failed
//	6    owner: no such user or group yet, or not permitted
//	7    target-symlink, target-directory (not empty), target-special, target-mount, target-unreadable, parent-symlink
//	8    write: disk full, read-only, immutable, not a file system that keeps owners
//	9    identity-missing, identity-open (cannot be taken from others), identity-malformed, identity-command (failed, or took over a minute)
//	10   after, unit-starting, compose-missing: the files are in place, and what was to follow failed or has to wait
//	11   clone
//	12   no-systemd: systemd does not run
//	16   deadline: the run hung and was killed
//	17   busy: another run holds the lock
//	18   user-script: the files are in place, and Params.UserScript failed
//	129, 130, 143  signal: SIGHUP, SIGINT, SIGTERM
//
// # Status
//
// /var/lib/ageenv/status.json (0600 in a directory of 0700, replaced as one), or
// /run/ageenv/status.json while the disk cannot be written, holds
// template_version, name, time (RFC 3339, UTC), result ("ok", "failed" or, for
// something that may still come, "waiting"), reason, exit_code,
// decryptor ("age", "python", "none"), metadata ("closed"; "open" if it was to be closed and could
// not be; "untouched"), user_script ("none"; "waiting" for the files, "due", "running", "interrupted", "ok" or
// "failed"), user_script_exit_code and files, each with
// path, layout, owner, group, mode, source_digest and state: "written", "unchanged", or
// "kept", which is whatever was there before, if anything.
//
// # Trying it out
//
// With AGEENV_ROOT set to a directory, every path the script touches is below
// that directory, it need not be root, and AGEENV_PATH, if set, replaces the
// fixed PATH. run/systemd/system has to be there, as on a box that systemd has
// booted; systemctl is called only if run/systemd/private is, too, so that the
// machine's own systemd is left alone. An absolute symlink below the root stays below it.
package firstboot

// TemplateVersion tells scripts apart that behave differently: it is in the
// script's second line and in the status file. Raise it with every change of
// start.sh.tmpl or box/ that a box can notice.
const TemplateVersion = "3"

// SizeAdvised is the size in bytes that a script had better not exceed. Vultr
// documents no limit; several clouds take 64 KiB of user data at most. A script without
// any payload has about 54 KiB.
const SizeAdvised = 64 << 10
