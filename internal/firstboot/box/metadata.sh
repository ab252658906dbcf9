# The metadata service shows the script, and an identity in it, to whoever asks;
# cloud-init keeps copies that everybody may read, on Debian 12, and others that
# only root may. The plan sets block to yes if this is to be closed.
#
# The service is closed by policy routing, which no firewall's reload touches, and
# only TCP port 80: the address may serve others. Root's own processes go on, past
# the rule that ends everybody else's way: other users', and what is forwarded for
# a bridged container. The rules are marked as the kernel's, since systemd-networkd
# removes others' when it starts. 6 is TCP: its name is known only where there is an
# /etc/protocols.
metadata=untouched

close_metadata() {
	[ "$block" = yes ] || return 0
	metadata=open
	# Below a prefix there is no network of its own.
	[ -z "$R" ] || return 0
	if ! command -v ip >/dev/null 2>&1; then
		say "the metadata address stays open: there is no ip program"
		return 0
	fi
	rules=$(ip -4 rule list 2>/dev/null) || rules=
	case $rules in
	*90:*169.254.169.254*91:*169.254.169.254*prohibit*)
		metadata=closed
		return 0
		;;
	esac
	open_metadata
	if ip -4 rule add pref 92 protocol kernel nop 2>/dev/null &&
		ip -4 rule add pref 90 protocol kernel to 169.254.169.254 ipproto 6 dport 80 iif lo uidrange 0-0 goto 92 2>/dev/null &&
		ip -4 rule add pref 91 protocol kernel to 169.254.169.254 ipproto 6 dport 80 prohibit 2>/dev/null; then
		metadata=closed
	else
		open_metadata
		say "the metadata address stays open: this kernel or its ip program does not take the rules"
	fi
}

open_metadata() {
	for left in 90 91 92; do
		while ip -4 rule del pref "$left" protocol kernel 2>/dev/null; do :; done
	done
}

# tighten: whatever holds the script, or may, is root's alone. It runs at the end
# of every stage of cloud-init, which writes some of it again at each boot.
tighten() {
	[ "$block" = yes ] || return 0
	for left in "$R"/run/cloud-init/*.json "$R"/run/cloud-init/cloud-init-generator.log "$R"/var/log/cloud-init*.log \
		"$R"/var/lib/cloud/instances/*/*.txt "$R"/var/lib/cloud/instances/*/*.txt.i "$R"/var/lib/cloud/instances/*/obj.pkl \
		"$R"/var/lib/cloud/instances/*/scripts/*/* "$R"/var/lib/cloud/instances/*/scripts/* "$R/tmp/firstboot.log"; do
		if [ -f "$left" ] && [ ! -L "$left" ]; then chmod go= "$left" || :; fi
	done
	rm -f "$R/tmp/firstboot.exec"
}

# keep_metadata: the units that do this at later boots.
keep_metadata() {
	wants=$units/sysinit.target.wants
	if [ "$block" = no ]; then
		rm -f "$units/ageenv-metadata.service" "$wants/ageenv-metadata.service"
		[ -n "$R" ] || ! command -v ip >/dev/null 2>&1 || open_metadata
		return 0
	fi
	install_as "$units/ageenv-metadata.service" 0644 <<.END || return 1
[Unit]
Description=ageenv: close the metadata service to all but root
DefaultDependencies=no
RequiresMountsFor=/usr/local/sbin /var/lib/ageenv
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/ageenv close

[Install]
WantedBy=sysinit.target
.END
	turn_on ageenv-metadata.service || return 1
	lost=no
	for left in $cloud_stages; do tighten_after "$left"; done
	[ "$lost" = no ]
}

cloud_stages="cloud-init-main.service cloud-init-local.service cloud-init.service cloud-init-network.service cloud-config.service cloud-final.service"

tighten_after() {
	install_as "$units/$1.d/ageenv.conf" 0644 <<.END || lost=yes
[Service]
ExecStartPost=-/usr/local/sbin/ageenv tighten
.END
}
