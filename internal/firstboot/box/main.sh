# finish CODE: on every way out but SIGKILL.
finish() {
	code=$1
	trap '' HUP INT TERM
	set +e
	if [ "$committing" = yes ]; then each undo; fi
	if [ -n "$priv" ]; then
		each tidy
		rm -rf "$priv"
	fi
	write_status "$code" 2>/dev/null || say "the status file $box/status.json cannot be written"
	exit "$code"
}

drop() {
	age=$(command -v age) || age=
	python=$(command -v python3) || python=
	if [ -z "$python" ] && [ -x "$R/usr/libexec/platform-python" ]; then python=$R/usr/libexec/platform-python; fi
	[ -n "$age$python" ] ||
		fail 3 no-decryptor "neither age nor python3 is here, and nothing is downloaded: install one of them in the image"
	sweep_runs
	each sweep_beside
	reader >"$priv/reader.py" || fail 4 run-dir "cannot write in $priv: is it full?"
	each unseal
	rm -f "$priv/identity"
	each prepare
	each stage
	each pend
	committing=yes
	each replace
	committing=over
	each report
	follow
	result=ok
	reason=
}

sweep_beside() {
	sweep "$R${2%/*}"
}

# pend N: something is about to change.
pend() {
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
late=no
case ${1-} in
first)
	phase=first
	tag=${priv##*/}
	# shellcheck source=/dev/null
	. "$priv/plan"
	each_file new_state
	drop
	;;
status)
	trap - EXIT
	cat "$box/status.json"
	;;
*)
	trap - EXIT
	say "usage: ageenv drop|status"
	exit 64
	;;
esac
