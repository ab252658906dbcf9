# What stays on the box for its later boots: this program, the plan and the units;
# and where files are to be dropped again, their payloads and an identity that
# travelled. The plan sets every (whether there are such files) and defines
# each_unit.
units=$R/etc/systemd/system
reload=no
# What is half installed, for finish to remove.
draft=

# install_as FILE MODE: what comes on the input, unless it is there already.
install_as() {
	cat >"$priv/install" || return 1
	if [ -f "$1" ] && [ ! -L "$1" ]; then
		want=$(sha256sum <"$priv/install") || return 1
		have=$(sha256sum <"$1") || return 1
		[ "$want $2" != "$have $(stat -c 0%a "$1")" ] || return 0
	fi
	draft=${1%/*}/.$tag.n0
	if [ ! -d "${1%/*}/" ]; then
		umask 022
		mkdir -p "${1%/*}" || return 1
		umask 077
	fi
	sweep "${1%/*}"
	cp "$priv/install" "$draft" && chmod "$2" "$draft" && mv -fT "$draft" "$1" || return 1
	draft=
	case $1 in "$units"/*) reload=yes ;; esac
	if command -v restorecon >/dev/null 2>&1; then restorecon "$1" || :; fi
}

# keep: everything that is needed, and nothing that is not.
keep() {
	make_box || return 1
	know_box
	printf '%s\n%s\n' "$instance" "$serial" | install_as "$box/box" 0600 || return 1
	install_as "$box/plan" 0600 <"$priv/plan" || return 1
	for left in "$box"/sealed.*; do
		[ -f "$priv/${left##*/}" ] || rm -f "$left"
	done
	lost=no
	each_file keep_payload
	[ "$lost" = no ] || return 1
	if [ "$every" = yes ] && [ -f "$priv/identity" ] && [ "$identity" = travels ]; then
		install_as "$box/identity" 0600 <"$priv/identity" || return 1
	else
		rm -f "$box/identity"
	fi
	install_as "$R/usr/local/sbin/ageenv" 0755 <"$priv/ageenv" || return 1
	keep_units
}

keep_payload() {
	if [ "$7" = no ] && [ "$late" = no ]; then
		rm -f "$box/sealed.$1"
	else
		install_as "$box/sealed.$1" 0600 <"$priv/sealed.$1" || lost=yes
	fi
}

# Docker, and what reads the files, wait for this at later boots, and do not start
# without it: a container that is started without its secrets is worse than one
# that is not.
keep_units() {
	keep_metadata || return 1
	wants=$units/multi-user.target.wants
	before=docker.service
	each_unit add_before
	let_off
	network=
	[ "$identity" != command ] || network="network-online.target"
	install_as "$units/ageenv.service" 0644 <<.END || return 1
[Unit]
Description=ageenv: secret files of this box
Wants=$network
After=local-fs.target cloud-init-local.service cloud-init.service cloud-init-network.service $network
Before=$before
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/ageenv drop
TimeoutStartSec=15min

[Install]
WantedBy=multi-user.target
.END
	turn_on ageenv.service || return 1
	install_as "$units/ageenv-after.service" 0644 <<.END || return 1
[Unit]
Description=ageenv: what follows new secret files
After=ageenv.service $before

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/ageenv after
TimeoutStartSec=60min
.END
	if [ "$identity" = file ]; then
		install_as "$units/ageenv-identity.path" 0644 <<.END || return 1
[Unit]
Description=ageenv: the identity that opens the secret files of this box

[Path]
PathChanged=$identity_unit
Unit=ageenv.service

[Install]
WantedBy=multi-user.target
.END
		turn_on ageenv-identity.path || return 1
	else
		rm -f "$units/ageenv-identity.path" "$units/multi-user.target.wants/ageenv-identity.path"
	fi
	lost=no
	wait_for_it docker.service
	each_unit wait_for_it
	[ "$lost" = no ] || return 1
	if [ "$reload" = yes ] && under_systemd; then systemctl daemon-reload >/dev/null 2>&1 </dev/null || return 1; fi
}

# let_go: what did not start for want of the files may start now.
let_go() {
	under_systemd || return 0
	let_go_of docker.service
	each_unit let_go_of
}

let_go_of() {
	if systemctl is-enabled -q -- "$1" >/dev/null 2>&1 </dev/null; then
		systemctl --no-block start -- "$1" >/dev/null 2>&1 </dev/null || say "$1 cannot be started"
	fi
}

add_before() {
	before="$before $1"
}

# let_off: units that an earlier plan named wait no longer, and what an earlier one
# had cloud-init's stages do goes too.
let_off() {
	stages=
	[ "$block" = no ] || stages=$cloud_stages
	for left in "$units"/*.d/ageenv.conf; do
		[ -f "$left" ] || continue
		unit=${left%.d/*}
		case " $before $stages " in *" ${unit##*/} "*) continue ;; esac
		rm -f "$left"
		rmdir "${left%/*}" 2>/dev/null || :
		reload=yes
	done
}

wait_for_it() {
	install_as "$units/$1.d/ageenv.conf" 0644 <<.END || lost=yes
[Unit]
Requires=ageenv.service
After=ageenv.service
.END
}

# turn_on UNIT: as systemctl does, which is not to be had everywhere.
turn_on() {
	[ ! -L "$wants/$1" ] || return 0
	umask 022
	mkdir -p "$wants" || return 1
	umask 077
	ln -s "../$1" "$wants/$1"
}
