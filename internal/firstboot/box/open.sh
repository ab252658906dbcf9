# unseal N PATH OWNER GROUP MODE DIRMODE: payload to plaintext, inside the
# private directory.
#
# If age is there and fails, the embedded reader has a try, and it is said: the
# program may be broken, or not the one that was meant. The reader authenticates
# as strictly as age does, so nothing is accepted that age should have refused.
unseal() {
	place "$1" "$2"
	sealed=$payloads/sealed.$1
	if [ -n "$age" ] && "$age" -d -i "$priv/identity" "$sealed" >"$plain" 2>/dev/null </dev/null; then
		decryptor=age
	else
		if [ -n "$age" ]; then
			rm -f "$plain"
			[ -n "$python" ] ||
				fail 5 open-failed "$2: age cannot open the payload: it is altered, sealed to another identity, or hybrid and this age older than 1.3"
			say "$2: age cannot open the payload; trying the embedded reader"
		fi
		why=0
		"$python" -I -S "$priv/reader.py" "$priv/identity" <"$sealed" >"$plain" 2>/dev/null || why=$?
		case $why in
		0) decryptor=python ;;
		10) fail 5 payload-malformed "$2: the payload's header is malformed" ;;
		11) fail 5 wrong-identity "$2: the payload is sealed to another identity" ;;
		12 | 13) fail 5 payload-altered "$2: the payload is altered or cut off" ;;
		15) fail 5 needs-age "$2: the payload is sealed to a hybrid recipient: it needs age 1.3 or later on the box" ;;
		*) fail 5 open-failed "$2: the embedded reader ended with code $why: is $R/run full, or python3 damaged?" ;;
		esac
	fi
	if [ -n "$6" ]; then unpack "$2"; else no_tar "$2"; fi
}

# no_tar PATH: a tar that was dropped as a file would be read as env text by somebody.
# bash says that it leaves out NUL bytes.
no_tar() {
	{ left=$(dd bs=1 skip=257 count=5 <"$plain") || left=; } 2>/dev/null
	[ "$left" != ustar ] ||
		fail 5 payload-malformed "$1: the payload is a tar of one file for each key: use layout = \"directory\""
	left=
}

# unpack PATH: a directory travels as a tar of regular files with plain names,
# and nothing else is extracted, although whoever made it could as well have
# changed this script.
unpack() {
	mkdir "$tree" || fail 4 run-dir "$1: cannot be unpacked in $priv"
	tar -tvf "$plain" >"$priv/list" 2>/dev/null || fail 5 payload-malformed "$1: the payload is no tar"
	while read -r kind rest; do
		case $kind in
		-*) ;;
		*) fail 5 payload-malformed "$1: the payload's tar holds something else than regular files" ;;
		esac
	done <"$priv/list"
	tar -tf "$plain" >"$priv/list" 2>/dev/null || fail 5 payload-malformed "$1: the payload is no tar"
	while IFS= read -r rest; do
		case $rest in
		'' | [!A-Za-z0-9_]* | *[!A-Za-z0-9_.-]*) fail 5 payload-malformed "$1: the payload's tar holds a file whose name is not plain" ;;
		esac
	done <"$priv/list"
	[ -s "$priv/list" ] || fail 5 payload-malformed "$1: the payload's tar is empty"
	(cd "$tree" && tar -xf "$plain") 2>/dev/null || fail 4 run-dir "$1: cannot be unpacked in $priv: is it full?"
	rm -f "$plain"
	for rest in "$tree"/* "$tree"/.[!.]*; do
		if [ -L "$rest" ] || { [ -e "$rest" ] && [ ! -f "$rest" ]; }; then
			fail 5 payload-malformed "$1: the payload's tar holds something else than regular files"
		fi
	done
}
