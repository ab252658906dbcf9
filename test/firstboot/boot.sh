#!/usr/bin/env bash
# Boots a box: a root file system with the real systemd and cloud-init in it, and with Vultr's metadata service at its
# address, in namespaces of its own, so that nothing of it is seen outside.
#
#   unshare --mount --net --pid --fork --kill-child boot.sh LOWER DIR BOOTS
#
# LOWER is a root file system that is left alone; DIR/upper takes what changes. In DIR/test, which the box has as /test,
# are the programs that it runs: before.N on the outside ahead of boot N, probe inside when boot N is done. DIR/v1.json
# is what the metadata service answers, DIR/v1.json.N what it answers from boot N on; DIR/requests is what it was asked. The box's console goes to DIR/console.N.
# DIR/calls says which system calls the box may make, or may not (~bpf).
# BOOT_TIMEOUT is how many seconds a boot may take.
set -euo pipefail

# A tree of control groups of its own: boxes that share one remove each other's groups while units start in them, and end
# each other's processes. The namespace's root is the group that this is in when the namespace is made.
if [ -z "${BOX_GROUP:-}" ]; then
	mount --make-rprivate /
	mount -t proc proc /proc
	mount -t tmpfs tmpfs /run
	mkdir /run/netns /run/groups
	mount -t cgroup2 cgroup2 /run/groups
	BOX_GROUP=$(mktemp -d "/run/groups$(sed -n 's/^0:://p' /proc/self/cgroup)/box.XXXXXX")
	export BOX_GROUP
	echo 0 >"$BOX_GROUP/cgroup.procs"
	exec unshare --cgroup "$0" "$@"
fi
lower=$1 dir=$2 boots=$3

# What was in the group ends with the box, but not at once.
leave() {
	kill "${metadata:-}" 2>/dev/null || :
	echo 0 >"${BOX_GROUP%/*}/cgroup.procs"
	for ((tries = 0; tries < 50; tries++)); do
		find "$BOX_GROUP" -depth -type d -exec rmdir {} + 2>/dev/null && return
		sleep 0.1
	done
}
trap leave EXIT

# shellcheck source=test/firstboot/wire.sh
. "$(dirname "$0")/wire.sh"
ip netns exec box ip route add default via 10.99.0.1
# For containers on a bridge of the box's.
ip netns exec box sysctl -q net.ipv4.ip_forward=1
ip route add 172.17.0.0/16 via 10.99.0.2

# /sys as seen from the box's network. systemd needs a tree of control groups of its own; that of the machine may be of
# the old kind, which newer ones do not take.
nsenter --net=/run/netns/box mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup

# What Docker keeps is not on the overlay: it makes overlays of its own.
mkdir -p "$dir/upper" "$dir/work" "$dir/box" "$dir/docker"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/box"

for ((boot = 1; boot <= boots; boot++)); do
	[ ! -e "$dir/v1.json.$boot" ] || mv "$dir/v1.json.$boot" "$dir/v1.json"
	[ ! -x "$dir/test/before.$boot" ] || "$dir/test/before.$boot" "$dir/box" "$dir"
	echo "$boot" >"$dir/test/boot"
	# The word on the command line is how cloud-init knows a bare-metal box of Vultr's.
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_TMPFS_TMP=0 timeout -k 5 "$BOOT_TIMEOUT" \
		nsenter --net=/run/netns/box systemd-nspawn --quiet --boot --directory="$dir/box" --register=no --keep-unit --console=pipe \
		--capability=all --system-call-filter="add_key keyctl $(cat "$dir/calls" 2>/dev/null || echo bpf)" --bind="$dir/docker:/var/lib/docker" --bind="$dir/test:/test" --machine=box --uuid=11111111222233334444555555555555 \
		vultr systemd.show_status=0 </dev/null >"$dir/console.$boot" 2>&1
done
