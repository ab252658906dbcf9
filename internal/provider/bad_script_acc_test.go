package provider_test

import (
	"strings"
	"testing"
)

// badFile is a file whose bundle the person can open.
func badFile(t *testing.T, p person) string {
	t.Helper()
	return badFileAt(t, p, `"/opt/app/.env"`)
}

// badFileAt is badFile at a path, with whatever attributes follow it.
func badFileAt(t *testing.T, p person, rest string) string {
	t.Helper()
	return badFileOf(sealedBundle(t, "TOKEN=bad-canary\n", p.recipient), rest)
}

func badFileOf(ciphertext, rest string) string {
	return "{\n    ciphertext_wo = <<-EOT\n" + ciphertext + "EOT\n    path = " + rest + "\n  }"
}

// badScript is a script with files and whatever attributes follow them.
func badScript(files, rest string) string {
	return "resource \"ageenv_vultr_startup_script\" \"s\" {\n  name  = \"app\"\n  files = [" + files + "]\n  " + rest + "\n}\n"
}

func TestAccBadScript(t *testing.T) {
	box, pq := newPerson(t), hybridPerson(t)
	given := map[string]string{"box": box.identity}
	const wo = "identity_wo = var.box"
	hides := []string{box.identity[20:], "bad-canary"}
	file := func(rest string) string { return badScript(badFileAt(t, box, rest), wo) }
	with := func(config string, says ...string) badInput {
		return badInput{config: config, vars: given, says: append(says, "with ageenv_vultr_startup_script.s"), hides: hides}
	}
	badTable(t, map[string]badInput{
		"a relative path":        with(file(`"opt/app"`), "Error: Unusable value", `files[0].path "opt/app" is relative: write it from / on.`),
		"a path upward":          with(file(`"/opt/../etc/shadow"`), "Error: Unusable value", `files[0].path "/opt/../etc/shadow" is not in its shortest form: write "/etc/shadow".`),
		"a directory":            with(file(`"/opt/app/"`), "Error: Unusable value", `files[0].path "/opt/app/" ends in a slash, as a directory does: name the file.`),
		"a kernel's path":        with(file(`"/proc/1/environ"`), "Error: Unusable value", `files[0].path "/proc/1/environ" is in /proc, the kernel's own: choose another directory.`),
		"a line break in a path": with(file(`"/opt/a\nb"`), "Error: Unusable value", `files[0].path "/opt/a\nb" has a character that does not print, U+000A at byte 6: leave it out.`),
		"an owner": with(file("\"/opt/app\"\n    owner = \"root; reboot\""), "Error: Unusable value",
			`files[0].owner "root; reboot" is not the name of a user: write letters, digits, '.', '_' or '-', beginning with a letter or '_'; or a number.`),
		"a group":          with(file("\"/opt/app\"\n    group = \"99999999999\""), "Error: Unusable value", `files[0].group "99999999999" is too high: the numbers of a group end at 4294967294.`),
		"no mode":          with(file("\"/opt/app\"\n    mode = \"rw\""), "Error: Unusable value", `files[0].mode "rw" is not a mode: write three or four octal digits, as 0600.`),
		"a mode that runs": with(file("\"/opt/app\"\n    mode = \"0755\""), "Error: Unusable value", `files[0].mode "0755" makes the file executable: write 0644.`),
		"no layout":        with(file("\"/opt/app\"\n    layout = \"tree\""), "Invalid Attribute Value Match", `files[0].layout value must be one of: ["file" "directory"], got: "tree"`),
		"no exposure":      with(file("\"/opt/app\"\n    exposure = \"all\""), "Invalid Attribute Value Match", `files[0].exposure value must be one of: ["file" "env"], got: "all"`),
		"text for a directory": with(file("\"/opt/app\"\n    layout = \"directory\""), "Error: The bundle can't be opened with the script's identity",
			"files[0].ciphertext_wo can't be read: It does not hold one file per key, which is what layout = \"directory\" drops: use a bundle of format age_files."),
		"an identity file":    with(badScript(badFile(t, box), `identity_file = "key.txt"`), "Error: Unusable value", `identity_file "key.txt" is relative: write it from / on.`),
		"an identity command": with(badScript(badFile(t, box), `identity_command = " "`), "Error: Unusable value", "identity_command is empty: write a shell command, or leave it out."),
		"sops without an identity": with(badScript(badFile(t, box), `identity_file = "/etc/key"`), "Error: The box can't open the bundle",
			`files[0].ciphertext_wo: It is encrypted by sops, which a box does not have.`, `give it format = "age_dotenv".`),
		"a unit": with(badScript(badFile(t, box), wo+"\n  restart_units = [\"a.service\", \"$(id)\"]"), "Error: Unusable value",
			`restart_units[1] "$(id)" is not the name of a systemd unit: write it in full, as app.service.`),
		"a command of two lines": with(badScript(badFile(t, box), wo+"\n  run_after = [\"a\\nb\"]"), "Error: Unusable value",
			"run_after[0] has a character that does not print, U+000A at byte 1: leave it out."),
		"a compose project": with(badScript(badFile(t, box), wo+"\n  recreate_compose = [\"app\"]"), "Error: Unusable value",
			`recreate_compose[0] "app" is relative: write it from / on.`),
		"the same path twice": with(badScript(badFile(t, box)+", "+badFile(t, box), wo),
			"Error: Two files have conflicting paths", `files[1]: Path "/opt/app/.env" is also that of files[0]: give each file a path of its own`),
		"a path below a file": with(badScript(badFile(t, box)+", "+badFileAt(t, box, `"/opt/app/.env/more"`), wo),
			"Error: Two files have conflicting paths", `files[1]: Path "/opt/app/.env/more" is below "/opt/app/.env", which files[0] makes a file: move one of them`),
		"an empty list of files": with(badScript("", wo), "Error: No files", ": files = []", "Name one file at least: files = [{ ciphertext_wo = …, path = … }]."),
		"no list of files": with("resource \"ageenv_vultr_startup_script\" \"s\" {\n  name = \"app\"\n  "+wo+"\n}\n",
			"Error: No files", "Name one file at least"),
		"no identity":     with(badScript(badFile(t, box), ""), "Error: No identity", "Nothing opens the files on the box. Set exactly one of wrapped_identity, identity_wo, identity_file and identity_command."),
		"both identities": with(badScript(badFile(t, box), wo+"\n  wrapped_identity = \"x\""), "Error: More than one identity", "wrapped_identity and identity_wo are set. Set exactly one of"),
		"a bundle for others": with(badScript(badFile(t, newPerson(t)), wo), "Error: The bundle can't be opened with the script's identity",
			"files[0].ciphertext_wo is not sealed to "+box.recipient+", the recipient of the identity that travels: add it to the bundle's recipients (recipients = ageenv_key.….recipients)."),
		"no bundle": with(badScript(badFileOf("TOKEN=1\n", `"/opt/app"`), wo), "Error: The bundle can't be opened with the script's identity",
			"files[0].ciphertext_wo can't be read: It is neither a file that sops encrypted nor an age file: expected sops' metadata in it, or -----BEGIN AGE ENCRYPTED FILE-----."),
		"a bundle that was tampered with": with(badScript(badFileOf(badTampered(t, sealedBundle(t, "TOKEN=bad-canary\n", box.recipient)), `"/opt/app"`), wo),
			"Error: The bundle can't be opened with the script's identity",
			"files[0].ciphertext_wo can't be read: Line 1, TOKEN: the value was changed after it was encrypted, or stood under another name, or comes from another version of the file (by a git merge: take one version whole"),
		"a hybrid identity, a literal": {
			config: badScript(badFileAt(t, pq, `"/opt/app"`), `identity_wo = "`+pq.identity+`"`), hides: []string{pq.identity[20:60], "bad-canary"},
			says: []string{"Error: The identity can't travel", "The identity in identity_wo is of kind hybrid post-quantum (ML-KEM-768 + X25519), and what a box without age has can open X25519 only: use an X25519 key."},
		},
		"a hybrid identity, wrapped": {
			config: badScript(badFileAt(t, pq, `"/opt/app"`), "wrapped_identity = <<-EOT\n"+unitWrapped(t, pq, box)+"EOT"), env: map[string]string{"SOPS_AGE_KEY": box.identity},
			says: []string{"Error: The identity can't travel", "The identity in wrapped_identity is of kind hybrid", "use an X25519 key."}, hides: []string{pq.identity[20:60], box.identity[20:]},
		},
		"a wrap for others": {
			config: badScript(badFile(t, box), "wrapped_identity = <<-EOT\n"+unitWrapped(t, box, newPerson(t))+"EOT"), hides: hides,
			says: []string{
				"Error: The identity can't be unwrapped", ": wrapped_identity = ", "The wrapped identity can't be decrypted with any identity found here. The identities found belong to: age1",
				"Give an operator identity that opens it: identity_files or identities in the provider's configuration,", "The provider needs it whenever it renders the script.",
			},
		},
	})
}

// An identity that is not there is not also one that can't be unwrapped.
func TestAccNoIdentityIsOneError(t *testing.T) {
	w := newWorld(t)
	out, err := badInput{config: "resource \"ageenv_vultr_startup_script\" \"s\" {\n  name = \"app\"\n}\n"}.cli(t, w).run("plan")
	if exitCode(err) != 1 || strings.Count(out, "Error: ") != 2 {
		t.Errorf("the plan ends with %v:\n%s", err, out)
	}
	badOutput(t, out, []string{"Error: No files", "Error: No identity"}, nil)
}

// badTampered changes a letter of the first encrypted value.
func badTampered(t *testing.T, bundle string) string {
	t.Helper()
	before, after, found := strings.Cut(bundle, "data:")
	if !found {
		t.Fatal("there is no encrypted value")
	}
	with := "A"
	if after[0] == 'A' {
		with = "B"
	}
	return before + "data:" + with + after[1:]
}

func TestAccBadVultr(t *testing.T) {
	box := newPerson(t)
	const url = "Error: Vultr can't be configured"
	const remedy = "It is configured by vultr = {…} in the provider's configuration, VULTR_API_KEY and VULTR_API_URL."
	given := func(env map[string]string, block string, says ...string) badInput {
		b := badInput{
			config: badScript(badFile(t, box), "identity_wo = var.box"), vars: map[string]string{"box": box.identity}, env: env,
			says: says, hides: []string{simKey, box.identity[20:], "URLPASSWORD"},
		}
		if block != "" {
			b.provider = "provider \"ageenv\" {\n  vultr = {\n    " + block + "\n  }\n}\n"
		}
		return b
	}
	key := func(value string) map[string]string { return map[string]string{"VULTR_API_KEY": value} }
	to := func(value string) map[string]string { return map[string]string{"VULTR_API_URL": value} }
	badTable(t, map[string]badInput{
		"no key":          given(key("-"), "", "Error: No Vultr API key", "ageenv_vultr_startup_script needs one: set vultr = { api_key = … } in the provider's configuration, or the environment's VULTR_API_KEY."),
		"an empty key":    given(key(""), "", "Error: No Vultr API key"),
		"a key with LF":   given(key(simKey+"\n"), "", url, "the API key holds white space", remedy),
		"a path":          given(to("https://api.vultr.com/v2"), "", url, "the API URL must not have a path", "give scheme, host and port only.", remedy),
		"plain http":      given(to("http://vultr.example.com"), "", url, "the API URL must use https: the API key would travel in clear; http is for loopback hosts only.", remedy),
		"a password":      given(to("https://u:URLPASSWORD@api.vultr.com"), "", url, "the API URL must not hold a user or password.", remedy),
		"another scheme":  given(to("ftp://api.vultr.com"), "", url, "the API URL must have the form https://host or https://host:port.", remedy),
		"in the provider": given(nil, `api_url = "http://vultr.example.com"`, url, "http is for loopback hosts only."),
		"a rate":          given(nil, "requests_per_second = 20000", url, "requests per second must be from 0.1 to 10000."),
		"retries":         given(nil, "max_retries = 11", url, "the number of retries must be from 0 to 10."),
		"a long timeout":  given(nil, `timeout = "11m"`, url, "the timeout of a request must be above 0 and at most 10m0s."),
		"several":         given(key(simKey+"\n"), "max_retries = 11\n    requests_per_second = 20000", url, "the API key holds white space", "requests per second must be from", "the number of retries must be from 0 to 10."),
		"a timeout":       given(nil, `timeout = "soon"`, "Error: Malformed duration", `Write vultr.timeout as a duration above zero, for example "30s" or "2m".`),
	})
}
