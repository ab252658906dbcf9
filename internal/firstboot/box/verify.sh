# verify [--health URL]: whether what was promised holds, a line for each thing that
# was looked at: "pass", "FAIL", or "unseen" for what cannot be told from here. The
# exit code is 1 if anything fails. Values are compared through files of root's, and
# neither printed nor given to a program as arguments.
verify() {
	health=
	if [ "${2-}" = --health ] && [ $# = 3 ]; then health=$3; elif [ $# -gt 1 ]; then usage; fi
	if ! command -v grep >/dev/null 2>&1; then
		say "verify needs grep, which is not here"
		exit 2
	fi
	private
	failed=0
	: >"$priv/values"
	each_file verify_file
	verify_box
	verify_copies
	verify_metadata
	verify_containers
	verify_swap
	[ -z "$health" ] || verify_health
	printf 'unseen: %s\n' "memory, snapshots of the disk, and what root does" \
		"values of under 8 characters, of lower-case letters alone, and URLs without a password"
	return "$failed"
}

pass() {
	printf 'pass: %s\n' "$1"
}

flunk() {
	printf 'FAIL: %s\n' "$1"
	failed=1
}

# judge CODE WHAT: passes if CODE is 0.
judge() {
	if [ "$1" = 0 ]; then pass "$2"; else flunk "$2"; fi
}

# verify_file N PATH OWNER GROUP MODE DIRMODE EVERY JSON EXPOSURE
verify_file() {
	place "$1" "$2"
	if [ -L "$target" ] || [ ! -e "$target" ]; then
		flunk "$2 is there"
	elif [ -z "$6" ]; then
		verify_mode "$target" "$2" "$3" "$4" "$5"
		[ "$9" = env ] || collect <"$target"
	else
		verify_mode "$target" "$2" "$3" "$4" "$6"
		for left in "$target"/* "$target"/.[!.]*; do
			[ -e "$left" ] || continue
			verify_mode "$left" "$2/${left##*/}" "$3" "$4" "$5"
			[ "$9" = env ] || collect_whole <"$left"
		done
	fi
}

# verify_mode FILE NAME OWNER GROUP MODE
verify_mode() {
	code=1
	case " $(stat -c '%U:%G %U:%g %u:%G %u:%g' "$1" 2>/dev/null) " in *" $3:$4 "*) [ "0$(stat -c %a "$1")" != "$5" ] || code=0 ;; esac
	judge $code "$2 is $3:$4 $5"
}

# collect: the values of env text that is read. A line without a name is a value, or a part of one.
collect() {
	while IFS= read -r value || [ -n "$value" ]; do
		case $value in
		*[!=]*=*) value=${value#*=} ;;
		-----*) continue ;;
		esac
		case $value in
		\"*\") value=${value#\"} value=${value%\"} ;;
		\'*\') value=${value#\'} value=${value%\'} ;;
		esac
		collect_value
	done
	value=
}

collect_whole() {
	IFS= read -r value || :
	collect_value
	value=
}

# collect_value: unless it is short, or looks public. In a here-document, since
# printf is a program in some shells.
collect_value() {
	case $value in
	http://*@* | https://*@*) ;;
	http://* | https://*) return 0 ;;
	esac
	case $value in ????????*) ;; *) return 0 ;; esac
	case $value in *[!a-z_-]*) ;; *) return 0 ;; esac
	cat >>"$priv/values" <<.END
$value
.END
}

verify_box() {
	own=$(id -un) own_group=$(id -gn)
	verify_mode "$box" /var/lib/ageenv "$own" "$own_group" 0700
	for left in "$box"/identity "$box"/plan "$box"/sealed.*; do
		[ ! -f "$left" ] || verify_mode "$left" "${left#"$R"}" "$own" "$own_group" 0600
	done
	[ "$identity" != file ] || verify_mode "$R$identity_file" "$identity_file" "$own" "$own_group" 0600
}

# verify_copies: nothing that others may read holds an identity.
verify_copies() {
	loose=
	grep -rl 'AGE-SECRET-KEY-''[1P]' "$R/run/cloud-init" "$R/var/lib/cloud" "$R/var/lib/ageenv" "$R/var/log" "$R/tmp" "$R/var/tmp" "$R/etc" \
		>"$priv/list" 2>/dev/null || :
	while IFS= read -r left; do
		case $(stat -c %a "$left" 2>/dev/null) in '' | *00) ;; *) loose="$loose ${left#"$R"}" ;; esac
	done <"$priv/list"
	if [ -z "$loose" ]; then pass "no identity is readable by others in /run/cloud-init, /var/lib, /var/log, /tmp and /etc"; else flunk "others can read an identity in$loose"; fi
}

verify_metadata() {
	if [ "$block" = no ]; then
		echo "unseen: the metadata service, which was not to be closed"
		return 0
	fi
	if [ -z "$python" ] || ! command -v setpriv >/dev/null 2>&1; then
		echo "unseen: the metadata service as another user finds it: it takes python3 and setpriv to try"
	elif setpriv --reuid=65534 --regid=65534 --clear-groups "$python" -I -S -c '
import socket
socket.create_connection(("169.254.169.254", 80), 3)' 2>/dev/null; then
		flunk "the metadata service is closed to other users"
	else
		pass "the metadata service is closed to other users"
	fi
	for left in "$R"/sys/class/net/*/bridge; do
		[ -e "$left" ] || continue
		left=${left%/bridge}
		left=${left##*/}
		from=$(ip -4 -o addr show dev "$left" 2>/dev/null) || from=
		from=${from#*inet }
		from=${from%%/*}
		[ -n "$from" ] || continue
		# As a packet from a neighbour of the bridge's own address would be sent on.
		code=0
		! ip -4 route get 169.254.169.254 from "${from%.*}.253" iif "$left" ipproto 6 dport 80 >/dev/null 2>&1 || code=1
		judge $code "the metadata service is closed to containers on $left"
	done
	echo "unseen: the metadata service as root finds it in a container on the host's network: it is open"
}

verify_containers() {
	if ! command -v docker >/dev/null 2>&1 || ! docker ps -aq >"$priv/containers" 2>/dev/null; then
		echo "unseen: containers: docker is not here, or does not answer"
		return 0
	fi
	while IFS= read -r container; do
		for what in inspect logs; do
			# As JSON, and as it is: JSON has another form for quotes and backslashes.
			case $what in
			inspect) set -- -f '{{json .}} {{println .Config .Args}}' ;;
			logs) set -- --tail 10000 ;;
			esac
			code=0
			timeout 30 docker "$what" "$@" "$container" >"$priv/seen" 2>&1 </dev/null || code=1
			what="docker $what of $container"
			if grep -q -F -f "$priv/values" "$priv/seen"; then
				flunk "$what shows no value"
			elif [ $code = 0 ]; then
				pass "$what shows no value"
			else
				echo "unseen: $what, which did not answer"
			fi
		done
	done <"$priv/containers"
	rm -f "$priv/seen"
}

# verify_swap: /proc/swaps has a line for each beside its first. What a run works
# with is on a ramfs, if one can be mounted, as the private directory of this one.
verify_swap() {
	if [ ! -r "$R/proc/swaps" ] || ! { read -r left && read -r left; } <"$R/proc/swaps"; then return 0; fi
	left="files on a tmpfs"
	[ "$(stat -f -c %T "$priv")" = ramfs ] || left="$left, and the identity and what it opens during a run,"
	echo "unseen: swap, which is on: $left may be written to it: encrypt it"
}

verify_health() {
	code=0
	if command -v curl >/dev/null 2>&1; then
		curl -fsS -o /dev/null --max-time 10 -- "$health" >/dev/null 2>&1 || code=1
	else
		"$python" -I -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=10)' "$health" >/dev/null 2>&1 || code=1
	fi
	judge $code "$health answers"
}
