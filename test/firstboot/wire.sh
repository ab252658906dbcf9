# shellcheck shell=bash
# A box's network, in the namespace `box`, and at the other end of its wire Vultr's metadata service, which is process
# $metadata. For scripts that are in namespaces of their own, with DIR in $dir. cloud-init asks only where there is a
# route to the very address, as Vultr's DHCP gives it.
ip link set lo up
ip netns add box
ip link add wire type veth peer name eth0 address 56:00:00:00:00:01 netns box
ip addr add 169.254.169.254/32 dev wire
ip addr add 10.99.0.1/24 dev wire
ip link set wire up
ip netns exec box ip link set lo up
ip netns exec box ip link set eth0 up
ip netns exec box ip addr add 10.99.0.2/24 dev eth0
ip netns exec box ip route add 169.254.169.254 dev eth0 src 10.99.0.2
# shellcheck disable=SC2154 # dir is the caller's
python3 -I "$(dirname "${BASH_SOURCE[0]}")/metadata.py" "$dir" &
# shellcheck disable=SC2034 # for the caller
metadata=$!
until nsenter --net=/run/netns/box bash -c ': </dev/tcp/169.254.169.254/80' 2>/dev/null; do sleep 0.05; done
