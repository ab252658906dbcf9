# A clone of this box, or a snapshot of it that was restored to another one, has
# all that was on its disk. It is known by cloud-init's instance ID and by the
# serial number that the hypervisor gives. A snapshot that is restored to the same
# box is the same box; and a reinstalled box has no record, and is a new one.

know_box() {
	instance=
	serial=
	for left in "$R/var/lib/cloud/data/instance-id" "$R/run/cloud-init/.instance-id"; do
		[ ! -r "$left" ] || IFS= read -r instance <"$left" || :
	done
	left=$R/sys/class/dmi/id/product_serial
	[ ! -r "$left" ] || IFS= read -r serial <"$left" 2>/dev/null || :
}

# same_box: unless one of the two is known, was known, and differs.
same_box() {
	[ -f "$box/box" ] || return 0
	know_box
	{
		IFS= read -r was_instance
		IFS= read -r was_serial
	} <"$box/box" || return 0
	case $instance in '' | "$was_instance") ;; *) [ -z "$was_instance" ] || return 1 ;; esac
	case $serial in '' | "$was_serial") ;; *) [ -z "$was_serial" ] || return 1 ;; esac
}

# cast_off: what was inherited goes, before anything starts that would use it.
cast_off() {
	each_file take_away
	rm -f "$box/identity" "$box"/sealed.* "$box/late" "$box/pending"
	fail 11 clone "this box is a clone of the one that the files are for: they and the identity were removed, and nothing is dropped"
}

take_away() {
	place "$1" "$2"
	if [ -n "$6" ]; then
		[ ! -d "$target" ] || [ -L "$target" ] || ! ours "$2" || rm -rf "$target"
	elif [ -f "$target" ] && [ ! -L "$target" ]; then
		rm -f "$target"
	fi
}
