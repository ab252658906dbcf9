# make_box: readable by root only: later boots keep more in it than a status.
make_box() {
	[ ! -d "$box" ] || return 0
	umask 022
	mkdir -p "${box%/*}" || return 1
	umask 077
	mkdir "$box"
}

write_status() {
	make_box || return 1
	sweep "$box"
	draft=$box/.$tag.n0
	if [ "$result" = ok ]; then
		date +%s >"$draft" && mv -fT "$draft" "$box/success" || return 1
	fi
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ) || return 1
	{
		printf '{\n  "template_version": "%s",\n  "name": %s,\n' "$version" "$name_json" &&
			printf '  "time": "%s",\n  "result": "%s",\n  "reason": "%s",\n' "$now" "$result" "$reason" &&
			printf '  "exit_code": %s,\n  "decryptor": "%s",\n  "metadata": "%s",\n  "files": [' "$1" "$decryptor" "$metadata" &&
			comma= && each_file status_line && printf '\n  ]\n}\n'
	} >"$draft" && mv -fT "$draft" "$box/status.json" && return 0
	rm -f "$draft"
	return 1
}

status_line() {
	eval "state=\$state_$1"
	printf '%s\n    {%s, "state": "%s"}' "$comma" "$8" "$state"
	comma=,
}
