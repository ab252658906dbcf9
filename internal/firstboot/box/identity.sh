# The plan sets identity to travels, file or command, and with it identity_file,
# identity_unit (the same for a unit file) or identity_command.

# obtain: the identity, to where it is read from.
obtain() {
	case $identity in
	travels)
		[ "$phase" = first ] || cp "$box/identity" "$priv/identity" ||
			fail 9 identity-missing "$box/identity cannot be read"
		;;
	file)
		[ -f "$R$identity_file" ] || fail 9 identity-missing "$identity_file is not there: the files are dropped when it appears"
		[ -n "$R" ] || chown 0:0 "$identity_file" || fail 9 identity-open "$identity_file cannot be made root's"
		case $(stat -Lc %a "$R$identity_file") in
		*00) ;;
		*)
			chmod go= "$R$identity_file" || fail 9 identity-open "$identity_file can be read by others, and its mode cannot be changed"
			say "$identity_file could be read by others: its mode is now 0600 or less"
			;;
		esac
		# Whoever writes it may not be done.
		for left in 1 2 3 4 5 6 7 8 9 10; do
			cat "$R$identity_file" >"$priv/identity" || fail 9 identity-missing "$identity_file cannot be read"
			if [ "$phase" = first ] || well_formed; then break; fi
			sleep 1
		done
		;;
	command)
		# What it says is not shown: it may be the identity, or a token.
		why=0
		timeout -k 5 60 /bin/sh -c "$identity_command" >"$priv/identity" 2>/dev/null </dev/null || why=$?
		case $why in
		0) ;;
		124 | 137) fail 9 identity-command "the identity command took more than 60 seconds" ;;
		*) fail 9 identity-command "the identity command ended with code $why" ;;
		esac
		;;
	esac
	[ "$identity" = travels ] || well_formed ||
		fail 9 identity-malformed "what ${identity_file:-the identity command} gives is not an age identity"
}

# well_formed: whether there is a key and nothing that is none. Whether the key is
# right shows when it is used.
well_formed() {
	found=no
	while IFS= read -r left || [ -n "$left" ]; do
		case $left in
		AGE-SECRET-KEY-*[!A-Z0-9-]*) return 1 ;;
		AGE-SECRET-KEY-*) found=yes ;;
		'' | '#'*) ;;
		*) return 1 ;;
		esac
	done <"$priv/identity"
	left=
	[ "$found" = yes ]
}

# wait_or_go: where the identity is not there yet, everything is laid out for a path
# unit that acts when it appears; the startup script itself never waits.
wait_or_go() {
	if [ "$identity" != file ] || [ -f "$R$identity_file" ]; then return 0; fi
	late=yes
	make_box || fail 8 write "$box cannot be made"
	: >"$box/late" || fail 8 write "$box/late cannot be written"
	pending
	keep || fail 8 write "what the box needs later cannot be kept on it"
	! under_systemd || systemctl --no-block start ageenv-identity.path >/dev/null 2>&1 </dev/null ||
		fail 8 write "ageenv-identity.path cannot be started"
	# It may have come before the unit looked.
	[ ! -f "$R$identity_file" ] || return 0
	result=waiting
	reason="identity-missing"
	say "$identity_file is not there: the files are dropped when it appears"
}
