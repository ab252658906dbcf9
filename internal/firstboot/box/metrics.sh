# write_metrics CODE: for node_exporter's textfile collector, where Debian's package
# or the usual instructions have it look. It belongs to another user: the draft is
# made anew, never written through.
write_metrics() {
	for textfiles in "$R/var/lib/prometheus/node-exporter" "$R/var/lib/node_exporter/textfile_collector"; do
		[ -d "$textfiles" ] || continue
		sweep "$textfiles"
		draft=$textfiles/.$tag.n0
		(
			set -C
			metrics "$1" >"$draft" && chmod 0644 "$draft" && mv -fT "$draft" "$textfiles/ageenv.prom"
		) 2>/dev/null || say "$textfiles/ageenv.prom cannot be written"
		rm -f "$draft"
	done
}

# A label's value is written as JSON writes a text that prints.
metrics() {
	now=$(date +%s)
	metric success "Whether the last run put everything in place." "" "$([ "$result" = ok ] && echo 1 || echo 0)"
	metric result "How the last run ended." "{name=$name_json,result=\"$result\",reason=\"$reason\"}" 1
	metric exit_code "The exit code of the last run." "" "$1"
	metric last_run_timestamp_seconds "When the last run ended." "" "$now"
	metric last_success_timestamp_seconds "When a run last put everything in place; 0 if none has." "" "$(cat "$box/success" 2>/dev/null || echo 0)"
	metric every_boot "Whether there are files that are dropped at every boot." "" "$([ "$every" = yes ] && echo 1 || echo 0)"
	metric metadata_open "Whether the metadata service was to be closed and is open." "" "$([ "$metadata" = open ] && echo 1 || echo 0)"
	left=$box/box
	if [ "$identity" = file ]; then left=$R$identity_file; elif [ -f "$box/identity" ]; then left=$box/identity; fi
	metric identity_timestamp_seconds "When the identity came to this box; 0 if it has not." "" "$(stat -Lc %Y "$left" 2>/dev/null || echo 0)"
	printf '# HELP ageenv_file_info The files, with the digest of the bundle that each is of.\n# TYPE ageenv_file_info gauge\n'
	each_file metric_file
}

# metric NAME HELP LABELS VALUE
metric() {
	printf '# HELP ageenv_%s %s\n# TYPE ageenv_%s gauge\nageenv_%s%s %s\n' "$1" "$2" "$1" "$1" "$3" "$4"
}

metric_file() {
	printf 'ageenv_file_info{%s} 1\n' "${10}"
}
