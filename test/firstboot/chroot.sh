#!/usr/bin/env bash
# Has a program run in a root file system that was not booted, with Vultr's metadata service at its address, in
# namespaces of its own, so that nothing of it is seen outside. systemd does not run there; what asks whether it does is
# told so, by /run/systemd/system, and systemctl is a stub that writes down how it was called, to /test/systemctl.
#
#   unshare --mount --net --pid --uts --fork --kill-child chroot.sh LOWER DIR TIMES
#
# LOWER and DIR are as in boot.sh; the program is DIR/test/probe, which is run as often as that.
set -euo pipefail
lower=$1 dir=$2 times=$3 box=$2/box

mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir /run/netns

# shellcheck source=test/firstboot/wire.sh
. "$(dirname "$0")/wire.sh"

mkdir -p "$dir/upper" "$dir/work" "$box"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$box"
mkdir -p "$box/test"
mount --bind "$dir/test" "$box/test"
mount -t proc proc "$box/proc"
nsenter --net=/run/netns/box mount -t sysfs -o ro sysfs "$box/sys"
# The word is how cloud-init knows a bare-metal box of Vultr's. It looks in the second place if it takes this for a
# container, which depends on the release.
echo "root=/dev/vda vultr" >"$dir/cmdline"
mount --bind "$dir/cmdline" "$box/proc/cmdline"
mount --bind "$dir/cmdline" "$box/proc/1/cmdline"
mount -t tmpfs -o mode=755 tmpfs "$box/dev"
for device in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9'; do
	read -r name major minor <<<"$device"
	mknod -m 0666 "$box/dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd "$box/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$box/run"
mkdir -p "$box/run/systemd/system"
mount -t tmpfs -o mode=1777 tmpfs "$box/tmp"

# Programs of systemd's that talk to it.
for name in systemctl hostnamectl; do
	cat >"$box/usr/local/sbin/$name" <<-.END
		#!/bin/sh
		echo "$name \$*" >>/test/systemctl
	.END
	chmod 0755 "$box/usr/local/sbin/$name"
done

for ((time = 1; time <= times; time++)); do
	[ ! -x "$dir/test/before.$time" ] || "$dir/test/before.$time" "$box" "$dir"
	echo "$time" >"$dir/test/boot"
	timeout -k 5 "$BOOT_TIMEOUT" nsenter --net=/run/netns/box chroot "$box" \
		/usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /test/probe </dev/null >"$dir/console.$time" 2>&1
done
