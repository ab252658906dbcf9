#!/bin/sh
# ageenv puts this box's secret files in place: it is what the startup script
# runs on the first boot, and what stays in /usr/local/sbin for later ones.
#
#     ageenv drop      put the files in place again, as at every boot
#     ageenv status    print the status file
#     ageenv verify    see whether what was promised holds; --health URL: and whether that answers
#
# The files of box/ are one program, joined in the order that program.go gives.
# Lines that are comments are dropped on the way to a box, the first line excepted.
#
# Valid in dash, bash, busybox sh, mksh and ksh93. printf is not a builtin in
# mksh, so it gets paths and digests only; what is secret goes through files. A
# function with `|| fail` behind each command is the rule: `set -e` is off inside
# conditions, in every shell.
{ set +aCfvx; } 2>/dev/null
set -eu
umask 077
# Not in POSIX, but in every shell that this is for.
# shellcheck disable=SC3045
ulimit -c 0 2>/dev/null || :
LC_ALL=C
export LC_ALL

# The startup script says what these are.
R=${AGEENV_ROOT:-}
R=${R%/}
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ -n "$R" ]; then PATH=${AGEENV_PATH:-$PATH}; fi
export PATH

# Where this program keeps what it needs at later boots; root only.
box=$R/var/lib/ageenv
# first: run by the startup script, whose private directory is at hand. boot: by
# the unit, or by hand.
phase=boot
label=
result=failed
reason=unexpected
decryptor=none
committing=no
age=
python=
# shellcheck disable=SC2269 # the startup script has made it
priv=${priv-}
# Names this run: on its private directory, and on what it stages. The last
# part is six characters long, see sweep.
tag=ageenv.$$.status

say() {
	printf 'ageenv: %s%s\n' "$label" "$1" >&2 || :
}

# fail CODE REASON MESSAGE. The exit codes and reasons are listed in the
# package's documentation.
fail() {
	reason=$2
	say "$3"
	exit "$1"
}

# alive TAG: whether the run of that tag is still going. Its private directory
# is on a tmpfs, so that a tag from before a reboot is dead even if its process
# number is in use again.
alive() {
	pid=${1#ageenv.}
	[ -d "$R/run/$1" ] && kill -0 "${pid%.*}" 2>/dev/null
}

# sweep DIRECTORY: remove what earlier runs staged there before being killed.
# Neither removal follows a symlink.
sweep() {
	for left in "$1"/.ageenv.*.??????.[no]*; do
		if [ ! -f "$left" ] && [ ! -d "$left" ]; then continue; fi
		run=${left##*/.}
		alive "${run%.*}" || rm -rf "$left"
	done
}

sweep_runs() {
	for left in "$R"/run/ageenv.*.??????; do
		if [ ! -d "$left" ] || [ -L "$left" ]; then continue; fi
		alive "${left##*/}" || discard "$left"
	done
}

# discard DIRECTORY: a run's private one, with the ramfs that is mounted on it. That
# is emptied first: whoever has got a copy of the mounts in between keeps it.
discard() {
	rm -rf "$1" 2>/dev/null || { umount -l "$1" && rmdir "$1"; } 2>/dev/null || say "$1 cannot be removed"
}

# The plan, which the startup script carries, sets name and label, and defines
# each_file, which calls the given command once for every file, as
#
#     COMMAND N PATH OWNER GROUP MODE DIRMODE EVERY JSON EXPOSURE LABELS
#
# DIRMODE is empty for a file, and a directory's own mode for a directory; EVERY
# is yes or no; JSON is the part of the status that is known beforehand; EXPOSURE is
# env for a file whose values a container may show, else file; LABELS are those of
# its metric.

# each COMMAND: for the files that this run is about.
each() {
	command=$1
	each_file with_due
}

with_due() {
	if [ "$phase" = boot ] && [ "$7" = no ] && [ "$late" = no ]; then return 0; fi
	"$command" "$@"
}

# place N PATH: the names that file N goes by. A staged file is called after
# the run and not after its target, whose name may be as long as names can be.
place() {
	plain=$priv/plain.$1
	tree=$priv/tree.$1
	target=$R$2
	parent=$R${2%/*}
	new=$parent/.$tag.n$1
	old=$parent/.$tag.o$1
	eval "state=\$state_$1 inode=\$inode_$1"
}

# flush PATH: to the disk. An old sync knows no arguments; none at all is no
# reason to go without the file.
flush() {
	sync "$1" 2>/dev/null || sync 2>/dev/null || :
}
