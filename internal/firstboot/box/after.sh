# What reads the files gets to read the new ones. The plan defines each_unit,
# each_compose and each_command, and sets after to yes if any of them calls
# anything.
#
# Nothing here may wait for systemd without a bound: the startup script runs inside
# cloud-final, and a unit that is ordered after that one starts when the script has
# ended.

# pending: that something is to follow, and whose work it is. It is written before the
# first rename, and goes when everything has been done, so that a run that was killed
# in between is made up for.
pending() {
	[ "$after" = yes ] || return 0
	make_box || fail 8 write "$box cannot be made"
	printf '%s\n' "$tag" >"$box/pending" || fail 8 write "$box/pending cannot be written"
}

# At later boots it is left to a unit that comes after docker: what starts then
# waits for this one.
follow() {
	if [ "$after" = no ] || [ ! -f "$box/pending" ]; then return 0; fi
	# The units that the startup script restarts have ageenv.service started, too.
	holder=
	IFS= read -r holder <"$box/pending" || :
	if [ -n "$holder" ] && [ "$holder" != "$tag" ] && alive "$holder"; then return 0; fi
	if [ "$phase" = boot ] && under_systemd; then
		systemctl --no-block start ageenv-after.service >/dev/null 2>&1 </dev/null || fail 10 after "ageenv-after.service cannot be started"
		return 0
	fi
	wrong=
	each_unit restart
	each_compose recreate
	each_command run
	each_unit settle
	[ -z "$wrong" ] || fail 10 after "the files are in place, but not everything that was to follow could be done"
	rm -f "$box/pending"
}

went_wrong() {
	say "$1"
	wrong=yes
}

# under_systemd: whether systemctl is to be called. Below a prefix it would reach the
# machine's own systemd, unless there is the socket of another.
under_systemd() {
	[ -z "$R" ] || [ -e "$R/run/systemd/private" ]
}

restart() {
	if ! under_systemd; then
		went_wrong "$1 is not restarted: there is no systemd to ask below AGEENV_ROOT"
	elif ! systemctl --no-block restart -- "$1" >/dev/null 2>&1 </dev/null; then
		went_wrong "$1 cannot be restarted: is there such a unit?"
	fi
}

# settle UNIT: looks after it for half a minute at most, and not at all if it waits
# for the end of cloud-init, which waits for this.
settle() {
	under_systemd || return 0
	left=$(systemctl show -p After -- "$1" 2>/dev/null) || left=
	case " ${left#After=} " in
	*' cloud-final.service '* | *' cloud-init.target '*)
		say "$1 starts when cloud-init is done"
		return 0
		;;
	esac
	while [ -n "$patience" ]; do
		case $(systemctl is-active -- "$1" 2>/dev/null) in
		active) return 0 ;;
		failed)
			went_wrong "$1 fails: see systemctl status $1"
			return 0
			;;
		esac
		patience=${patience#.}
		sleep 1
	done
	went_wrong "$1 is not active yet"
}
# A dot for each second, for all units together.
patience=..............................

# recreate DIRECTORY: containers keep the environment that they were made with, so
# a restart would not do. What compose prints is not shown: it quotes the file that
# it cannot read.
recreate() {
	if ! (cd "$R$1" && timeout -k 10 300 docker compose up -d --force-recreate >/dev/null 2>&1 </dev/null); then
		went_wrong "$1: docker compose up -d --force-recreate failed"
	fi
}

# run COMMAND. Its output goes where this program's goes.
run() {
	timeout -k 10 300 /bin/sh -c "$1" </dev/null || went_wrong "this command of run_after failed: $1"
}
