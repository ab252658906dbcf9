#!/usr/bin/env bash
# Boots a virtual machine with a kernel of its own, a disk, a serial number and a network whose address comes by DHCP, and
# with Vultr's metadata service at its address, in namespaces of its own, so that nothing of it is seen outside.
#
#   unshare --mount --net --pid --fork --kill-child vm.sh LOWER DIR BOOTS kvm|tcg
#
# LOWER and DIR are as in boot.sh, but for /test, which is on the machine's disk and comes back to DIR/test when it is
# switched off. DIR/qemu holds options for qemu, one a line. The machine reboots by itself; it is switched off, and on
# again, where DIR/qemu.N or DIR/v1.json.N says that something is otherwise from boot N on. The console goes to
# DIR/console.N, N being the first boot since the machine was switched on.
set -euo pipefail
lower=$1 dir=$2 boots=$3 accelerator=$4

mount --make-rprivate /
mount -t proc proc /proc

# The outer end of the wire.
ip link set lo up
ip tuntap add wire mode tap
ip addr add 169.254.169.254/32 dev wire
ip addr add 10.99.0.1/24 dev wire
ip link set wire up
# For containers on a bridge of the box's.
ip route add 172.17.0.0/16 via 10.99.0.2

python3 -I "$(dirname "$0")/metadata.py" "$dir" &
until (: </dev/tcp/169.254.169.254/80) 2>/dev/null; do sleep 0.05; done
# cloud-init asks only where there is a route to the very address, as Vultr's DHCP gives it. A client that takes these
# routes does not heed the router.
cat >"$dir/udhcpd.conf" <<.END
interface wire
start 10.99.0.2
end 10.99.0.2
static_lease 56:00:00:00:00:01 10.99.0.2
option subnet 255.255.255.0
option router 10.99.0.1
option staticroutes 169.254.169.254/32 10.99.0.1, 0.0.0.0/0 10.99.0.1
option lease 3600
lease_file $dir/leases
pidfile $dir/udhcpd.pid
.END
touch "$dir/leases"
busybox udhcpd -f "$dir/udhcpd.conf" >"$dir/udhcpd.log" 2>&1 &

mkdir -p "$dir/upper" "$dir/work" "$dir/box"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/box"
[ ! -x "$dir/test/before.1" ] || "$dir/test/before.1" "$dir/box" "$dir"
echo 0 >"$dir/test/boot"
for ((boot = 2; boot <= boots; boot++)); do
	if [ -e "$dir/test/before.$boot" ]; then
		echo "vm.sh: nothing can be done to the disk ahead of boot $boot" >&2
		exit 1
	fi
	if [ -e "$dir/qemu.$boot" ] || [ -e "$dir/v1.json.$boot" ]; then echo $((boot - 1)); fi
done >"$dir/test/off"
echo "$boots" >>"$dir/test/off"
cp -a "$dir/test" "$dir/box/test"
truncate -s 2G "$dir/disk"
mke2fs -q -F -t ext4 -d "$dir/box" "$dir/disk"
# Two processors that are emulated do not always see how a kernel patches itself, and one was seen to panic over it.
processors=2
[ "$accelerator" = kvm ] || processors=1
kernel=$(echo "$lower"/boot/vmlinuz-*)
initrd=$(echo "$lower"/boot/initrd.img-*)

while read -r last <&3; do
	boot=$(($(cat "$dir/test/boot") + 1))
	for name in v1.json qemu; do
		[ ! -e "$dir/$name.$boot" ] || mv "$dir/$name.$boot" "$dir/$name"
	done
	mapfile -t options <"$dir/qemu"
	timeout -k 5 $((${BOOT_TIMEOUT:-400} * (last - boot + 1))) \
		qemu-system-x86_64 -accel "$accelerator" -m 1024 -smp "$processors" -nodefaults -display none -monitor none \
		-serial "file:$dir/console.$boot" -device virtio-rng-pci -drive "file=$dir/disk,format=raw,if=virtio,cache=unsafe" \
		-netdev tap,id=wire,ifname=wire,script=no,downscript=no \
		-device virtio-net-pci,netdev=wire,mac=56:00:00:00:00:01,romfile= \
		-kernel "$kernel" -initrd "$initrd" -append 'root=/dev/vda rw net.ifnames=0 console=ttyS0 systemd.show_status=0' "${options[@]}" </dev/null
	rm -rf "$dir/after"
	mkdir "$dir/after"
	debugfs -R "rdump /test $dir/after" "$dir/disk" 2>/dev/null
	rm -rf "$dir/test"
	mv "$dir/after/test" "$dir/test"
	if [ "$(cat "$dir/test/boot")" != "$last" ]; then
		echo "vm.sh: switched off in boot $(cat "$dir/test/boot"), not in boot $last" >&2
		exit 1
	fi
done 3<"$dir/test/off"
