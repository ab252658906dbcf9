# After a leak: which values could be read by who has the leaked thing, and have not
# changed since? Set leaked_at to when it may have leaked first; the check warns in
# every plan and apply until the list is empty.
#
#   terraform plan -var=leaked_at=2026-11-24T15:00:00Z

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
}

provider "ageenv" {
  escrow_recipients = [var.operator]
}

variable "operator" {
  description = "An operator's age recipient (age1…)."
  type        = string
}

variable "leaked_at" {
  description = "When it may have leaked first, RFC 3339; null while nothing has."
  type        = string
  default     = null
}

variable "token" {
  type      = string
  ephemeral = true
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  entries_wo = { TOKEN = var.token, LOG_LEVEL = "info" }
  recipients = ageenv_key.box.recipients
}

locals {
  # A time is null while it is not known, after an import: the value counts as old. The
  # times are rounded down to the second, so <= is on the safe side.
  not_changed = var.leaked_at == null ? [] : [
    for name, at in ageenv_bundle.app.changed_at : name
    if timecmp(coalesce(at, "1970-01-01T00:00:00Z"), var.leaked_at) <= 0
  ]
}

check "values_changed_since_the_leak" {
  assert {
    condition     = length(local.not_changed) == 0
    error_message = "Could be read, and not changed since: ${join(", ", local.not_changed)}."
  }
}
