# finish CODE: on every way out but SIGKILL.
finish() {
	code=$1
	trap '' HUP INT TERM
	set +e
	if [ "$committing" = yes ]; then each undo; fi
	[ -z "$draft" ] || rm -f "$draft"
	if [ -n "$priv" ]; then
		each tidy
		rm -rf "$priv"
	fi
	write_status "$code" 2>/dev/null || say "the status file $box/status.json cannot be written"
	write_metrics "$code"
	exit "$code"
}

find_python() {
	python=$(command -v python3) || python=
	if [ -z "$python" ] && [ -x "$R/usr/libexec/platform-python" ]; then python=$R/usr/libexec/platform-python; fi
}

drop() {
	age=$(command -v age) || age=
	find_python
	[ -n "$age$python" ] ||
		fail 3 no-decryptor "neither age nor python3 is here, and nothing is downloaded: install one of them in the image"
	sweep_runs
	each sweep_beside
	if [ "$phase" = first ]; then
		wait_or_go
		[ "$result" != waiting ] || return 0
	fi
	reader >"$priv/reader.py" || fail 4 run-dir "cannot write in $priv: is it full?"
	obtain
	each unseal
	each prepare
	if [ "$phase" = first ]; then
		late=no
		same_box || was_clone=yes
		keep || not_kept
	fi
	rm -f "$priv/identity"
	each stage
	each pend
	committing=yes
	each replace
	committing=over
	each report
	in_time
	[ "$phase$was_clone" = firstno ] || let_go
	follow
	result=ok
	reason=
}

# not_kept is no reason to go without files that are dropped once.
not_kept() {
	[ "$every" = no ] || fail 8 write "what the box needs at its later boots cannot be kept on it"
	say "the program and its units cannot be kept on this box: it cannot be asked for its status, and a clone would not be noticed"
}

# in_time: payloads that were kept for an identity to come have been used.
in_time() {
	late=no
	[ -f "$box/late" ] || return 0
	each_file forget
	rm -f "$box/late"
}

forget() {
	[ "$7" = yes ] || rm -f "$box/sealed.$1"
}

sweep_beside() {
	sweep "$R${2%/*}"
}

# pend N: something is about to change. A file that comes back at a boot is the one
# that was there before.
pend() {
	[ "$phase$late" != bootno ] || return 0
	eval "state=\$state_$1"
	[ "$state" = unchanged ] || pending
}

new_state() {
	eval "state_$1=kept inode_$1="
}

trap 'finish $?' EXIT
trap 'reason=signal; exit 129' HUP
trap 'reason=signal; exit 130' INT
trap 'reason=signal; exit 143' TERM
# A log that nobody reads any more must not end the run half-way.
trap '' PIPE

# What the plan says otherwise.
version=
name_json='""'
after=no
every=no
block=no
identity=travels
identity_file=
identity_unit=
identity_command=
late=no
# Whether docker was kept from starting, before this box had a script of its own.
was_clone=no

# private: a directory like the startup script's.
private() {
	priv=$(mktemp -d "$R/run/ageenv.$$.XXXXXX") || fail 4 run-dir "no private directory can be made in $R/run"
	tag=${priv##*/}
	TMPDIR=$priv
	TMPPREFIX=$priv/here
	export TMPDIR TMPPREFIX
}

usage() {
	say "usage: ageenv drop | status | verify [--health URL]"
	exit 64
}

# installed: what an earlier run has kept.
installed() {
	if [ ! -f "$box/plan" ]; then
		trap - EXIT
		say "nothing was ever dropped on this box"
		exit 2
	fi
	# shellcheck source=/dev/null
	. "$box/plan"
	each_file new_state
}

case ${1-} in
first)
	phase=first
	tag=${priv##*/}
	payloads=$priv
	# shellcheck source=/dev/null
	. "$priv/plan"
	each_file new_state
	tighten
	close_metadata
	drop
	;;
close)
	trap - EXIT
	installed
	close_metadata
	;;
tighten)
	trap - EXIT
	[ ! -f "$box/plan" ] || installed
	tighten
	;;
drop)
	installed
	# By hand, in a root that was changed to: what was left here is for a boot.
	[ -d "$R/run/systemd/system" ] || fail 12 no-systemd "systemd does not run here: nothing is done"
	tighten
	close_metadata
	same_box || cast_off
	[ ! -f "$box/late" ] || late=yes
	if [ "$every$late" = nono ]; then
		# The status is that of the run that dropped something.
		trap - EXIT
		follow
		exit 0
	fi
	private
	payloads=$box
	drop
	;;
after)
	installed
	phase=after
	follow
	trap - EXIT
	;;
status)
	trap - EXIT
	cat "$box/status.json"
	;;
verify)
	installed
	find_python
	trap '[ -z "$priv" ] || rm -rf "$priv"' EXIT
	verify "$@"
	;;
*)
	trap - EXIT
	usage
	;;
esac
