# What makes a new box, and what does not. Needs Terraform: in OpenTofu a condition can't
# look back at an earlier run.
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

run "made" {}

run "again" {
  assert {
    condition     = output.id == run.made.id && output.script_id == run.made.script_id && output.recipient == run.made.recipient
    error_message = "Something was replaced, and nothing had changed."
  }
}

run "new_content" {
  variables {
    entries = { TOKEN = "second", URL = "https://example.com", MORE = "x" }
  }
  assert {
    condition     = output.keys == tolist(["MORE", "TOKEN", "URL"]) && output.id == run.made.id && output.script_id == run.made.script_id
    error_message = "New content without a content_version is for the next box; this one stays."
  }
}

run "first_content_version" {
  variables {
    entries         = { TOKEN = "second", URL = "https://example.com", MORE = "x" }
    content_version = "1"
  }
  assert {
    condition     = output.id == run.made.id && output.script_id == run.made.script_id
    error_message = "A first content_version replaced the box."
  }
}

run "next_content_version" {
  variables {
    entries         = { TOKEN = "third" }
    content_version = "2"
  }
  assert {
    condition     = output.id != run.made.id && output.script_id != run.made.script_id && output.recipient == run.made.recipient
    error_message = "The next content_version has to make a new box, with the same key."
  }
}

run "keepers" {
  variables {
    entries         = { TOKEN = "third" }
    content_version = "2"
    keepers         = { quarter = "2027-q1" }
  }
  assert {
    condition     = output.id != run.next_content_version.id && output.script_id != run.next_content_version.script_id && output.recipient != run.made.recipient
    error_message = "Other keepers have to make a new key and a new box."
  }
}
