# What is made, and that its parts belong together.
#
# Needs TF_VAR_operators, an identity of one of them (SOPS_AGE_KEY_FILE), and access to
# Vultr's API or a simulator of it (VULTR_API_KEY, VULTR_API_URL).

variables {
  name    = "app"
  region  = "ewr"
  plan    = "vc2-1c-1gb"
  os_id   = 2136
  path    = "/opt/app/.env"
  entries = { TOKEN = "first", URL = "https://example.com" }
  dotenv  = "" # without it, Terraform 1.11 takes an ephemeral default in one phase and not in the other
}

run "made" {
  assert {
    condition     = vultr_instance.box.script_id == ageenv_vultr_startup_script.env.id
    error_message = "The box does not run the script."
  }
  assert {
    condition     = ageenv_vultr_startup_script.env.identity_recipient == ageenv_key.box.recipient
    error_message = "The script does not carry the box's identity."
  }
  assert {
    condition     = keys(ageenv_bundle.env.changed_at) == tolist(["TOKEN", "URL"])
    error_message = "The bundle does not have the entries."
  }
  assert {
    condition     = length(ageenv_key.box.escrow_recipients) > 0 && ageenv_bundle.env.operator_recipients == ageenv_key.box.escrow_recipients
    error_message = "The operators can't open the key and the bundle."
  }
}
