#!/bin/sh
# ageenv scrubbed startup script, version 1. Made by terraform-provider-ageenv; holds no secret.
message='ageenv: this startup script was scrubbed from the account, so that no file was put in place. Upload it again before starting a box with it: see upload_triggers of ageenv_vultr_startup_script.'
printf '%s\n' "$message" >&2
if command -v logger >/dev/null 2>&1; then logger -p user.err -t ageenv -- "$message" || :; fi
if [ -w /dev/console ]; then printf '%s\n' "$message" >/dev/console 2>/dev/null || :; fi
exit 1
