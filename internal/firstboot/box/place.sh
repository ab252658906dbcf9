# What is put in place is compared, staged beside the target, and renamed. A
# directory is swapped in as one, by the kernel's exchange of two names.

# listing DIRECTORY: what is in it, but for the bytes.
listing() {
	(cd "$1" && stat -c %u:%g:%a . && stat -c '%n %F %u:%g:%a:%s' ./* ./.[!.]* ./..?*) 2>/dev/null || :
}

# digests DIRECTORY: of a directory that holds regular files alone.
digests() {
	(cd "$1" && sha256sum ./*)
}

# prepare N PATH OWNER GROUP MODE DIRMODE: owner and mode while the file is still
# in the private directory, so that it never shows up anywhere with others; then a
# look at the target, which is not touched if it is right already.
prepare() {
	place "$1" "$2"
	if [ -n "$6" ]; then
		prepare_tree "$@"
		return 0
	fi
	chown "$3:$4" "$plain" ||
		fail 6 owner "$2: cannot give it to $3:$4: no such user or group here, or not permitted"
	chmod "$5" "$plain" || fail 8 write "$2: cannot set mode $5"
	if [ -L "$target" ]; then
		fail 7 target-symlink "$2: is a symlink and is not written through: remove it, or name the file it points to"
	elif [ -d "$target" ]; then
		# Docker makes an empty directory in place of a missing file.
		if ! left=$(ls -A "$target") || [ -n "$left" ]; then
			fail 7 target-directory "$2: is a directory that is not empty: remove it, or choose another path"
		fi
	elif [ -f "$target" ]; then
		want=$(stat -c %u:%g:%a:%s "$plain") || fail 4 run-dir "$2: cannot be examined in $priv"
		have=$(stat -c %u:%g:%a:%s "$target") || fail 7 target-unreadable "$2: cannot be examined"
		[ "$want" = "$have" ] || return 0
		want=$(sha256sum <"$plain") || fail 4 run-dir "$2: cannot be read in $priv"
		have=$(sha256sum <"$target") || fail 7 target-unreadable "$2: cannot be read"
		[ "$want" != "$have" ] || eval "state_$1=unchanged"
	elif [ -e "$target" ]; then
		fail 7 target-special "$2: is neither a file nor a directory"
	fi
}

prepare_tree() {
	chown "$3:$4" "$tree" "$tree"/* ||
		fail 6 owner "$2: cannot give it to $3:$4: no such user or group here, or not permitted"
	chmod "$5" "$tree"/* || fail 8 write "$2: cannot set mode $5"
	chmod "$6" "$tree" || fail 8 write "$2: cannot set mode $6"
	if [ -L "$target" ]; then
		fail 7 target-symlink "$2: is a symlink and is not written through: remove it, or name the directory it points to"
	elif [ -d "$target" ]; then
		have=$(listing "$target")
		if [ "$have" = "$(listing "$tree")" ]; then
			want=$(digests "$tree") || fail 4 run-dir "$2: cannot be read in $priv"
			have=$(digests "$target") || fail 7 target-unreadable "$2: cannot be read"
			[ "$want" != "$have" ] || eval "state_$1=unchanged"
			return 0
		fi
		if ! left=$(ls -A "$target"); then fail 7 target-unreadable "$2: cannot be examined"; fi
		# Whatever was put into a directory by somebody else is not thrown away.
		[ -z "$left" ] || ours "$2" ||
			fail 7 target-directory "$2: is a directory with something in it that was not put there by ageenv: choose a path of its own, or empty it"
	elif [ -e "$target" ]; then
		fail 7 target-special "$2: is not a directory: remove it, or choose another path"
	fi
}

# ours PATH: whether the directory is one that an earlier run has put there, and
# still holds nothing but files.
ours() {
	for left in "$target"/* "$target"/.[!.]*; do
		if [ -L "$left" ] || { [ -e "$left" ] && [ ! -f "$left" ]; }; then return 1; fi
	done
	[ -f "$box/directories" ] || return 1
	while IFS= read -r left; do
		[ "$left" != "$1" ] || return 0
	done <"$box/directories"
	return 1
}

# own PATH: notes that the directory at PATH is this program's to replace.
own() {
	make_box && sweep "$box" || return 1
	{ [ ! -f "$box/directories" ] || cat "$box/directories"; } >"$box/.$tag.n0" &&
		printf '%s\n' "$1" >>"$box/.$tag.n0" && mv -fT "$box/.$tag.n0" "$box/directories"
}

# stage N PATH OWNER GROUP MODE DIRMODE: a complete copy beside the target. cp
# creates a file exclusively, and sets owner and mode through the descriptor: in a
# directory of another user's, nothing can be slipped under it.
stage() {
	place "$1" "$2"
	[ "$state" != unchanged ] || return 0
	if [ ! -d "$parent/" ]; then
		umask 022
		mkdir -p "$parent" || fail 8 write "$2: cannot make its directory"
		umask 077
	fi
	if [ -n "$6" ]; then
		stage_tree "$@"
		eval "state_$1=staged inode_$1=$inode"
		return 0
	fi
	cp -p "$plain" "$new" || fail 8 write "$2: cannot write beside it: disk full, or read-only?"
	want=$(stat -c %u:%g:%a:%s "$plain") || fail 4 run-dir "$2: cannot be examined in $priv"
	have=$(stat -c %u:%g:%a:%s "$new") || fail 8 write "$2: cannot be examined beside its place"
	[ "$want" = "$have" ] || fail 8 write "$2: its file system does not keep owner, group or mode"
	flush "$new"
	# A second name for the old file, to bring it back by.
	if [ -f "$target" ]; then
		ln "$target" "$old" 2>/dev/null || cp -p "$target" "$old" ||
			fail 8 write "$2: the old file cannot be kept aside"
	fi
	eval "state_$1=staged"
}

# stage_tree N PATH OWNER GROUP MODE DIRMODE. The new directory is entered and
# looked at before anything is written: whoever owns the parent could have put
# another in its place.
stage_tree() {
	mkdir "$new" || fail 8 write "$2: cannot write beside it: disk full, or read-only?"
	(
		cd "$new" && [ "$(stat -c %u:%a .)" = "$(id -u):700" ] && [ -z "$(ls -A)" ] &&
			cp -p "$tree"/* . && for left in *; do flush "$left"; done && chown "$3:$4" . && chmod "$6" .
	) || fail 8 write "$2: cannot write beside it: disk full, or read-only?"
	[ "$(listing "$tree")" = "$(listing "$new")" ] || fail 8 write "$2: its file system does not keep owner, group or mode"
	inode=$(stat -c %d:%i "$new") || fail 8 write "$2: cannot be examined beside its place"
	own "$2" || fail 8 write "$2: cannot be noted in $box/directories"
}

replace() {
	place "$1" "$2"
	[ "$state" != unchanged ] || return 0
	if [ -n "$6" ]; then
		replace_tree "$2"
		return 0
	fi
	if [ -d "$target" ] && [ ! -L "$target" ]; then
		rmdir "$target" || fail 8 write "$2: the empty directory in its place cannot be removed"
	fi
	mv -fT "$new" "$target" || fail 8 write "$2: cannot be replaced"
}

# replace_tree PATH. Where there is neither mv --exchange nor python3, or the file
# system cannot exchange, there is a moment with no directory between two renames.
replace_tree() {
	if [ -d "$target" ] && ! exchange "$new" "$target"; then
		mv -fT "$target" "$old" || fail 8 write "$1: the old directory cannot be put aside"
	fi
	if [ "$(stat -c %d:%i "$target" 2>/dev/null)" != "$inode" ]; then
		mv -fT "$new" "$target" || fail 8 write "$1: cannot be replaced"
	fi
}

# exchange A B: the two names in one step. coreutils can from 9.5 on.
exchange() {
	mv --exchange -T "$1" "$2" 2>/dev/null && return 0
	[ -n "$python" ] && "$python" -I -S -c '
import ctypes, os, sys
a, b = map(os.fsencode, sys.argv[1:])
sys.exit(0 != ctypes.CDLL(None).renameat2(-100, a, -100, b, 2))' "$1" "$2" 2>/dev/null
}

# undo N PATH OWNER GROUP MODE DIRMODE: what was renamed already is taken back, so
# that the files of one script are the new ones or the old ones. A staged file
# that is gone has been renamed; no variable could say so up to the last instant.
undo() {
	place "$1" "$2"
	[ "$state" = staged ] || return 0
	if [ -n "$6" ]; then
		if [ "$(stat -c %d:%i "$target" 2>/dev/null)" = "$inode" ]; then
			if [ -d "$new" ]; then exchange "$new" "$target"; else mv -fT "$target" "$new"; fi
		fi
		if [ -d "$old" ] && [ ! -e "$target" ]; then mv -fT "$old" "$target"; fi
		return 0
	fi
	[ ! -f "$new" ] || return 0
	if [ -f "$old" ]; then mv -fT "$old" "$target"; else rm -f "$target"; fi
}

tidy() {
	place "$1" "$2"
	rm -rf "$new" "$old"
	case $state$committing in
	stagedover) eval "state_$1=written" ;;
	staged*) eval "state_$1=kept" ;;
	esac
}

# report N PATH OWNER GROUP MODE
report() {
	place "$1" "$2"
	if [ "$state" = staged ]; then
		state=written
		eval "state_$1=written"
		rm -rf "$new" "$old"
		if command -v restorecon >/dev/null 2>&1; then
			restorecon -R "$target" || say "$2: its SELinux context cannot be restored"
		fi
		flush "$parent/"
	fi
	printf 'ageenv: %s%s %s:%s %s %s\n' "$label" "$2" "$3" "$4" "$5" "$state" || :
}
