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

variable "database_password" {
  description = "Ephemeral: a variable that is only sensitive would be put into a saved plan."
  type        = string
  ephemeral   = true
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  entries_wo = {
    DATABASE_URL = "postgres://app:${urlencode(var.database_password)}@db.internal/app"
    LOG_LEVEL    = "info"
  }
  # Change it when the content changes: then no plan needs an operator's identity
  # to see whether it did.
  content_version = "1"

  # The box. The operators can open it too: operator_recipients defaults to the
  # provider's escrow_recipients.
  recipients = ageenv_key.box.recipients
}

# To commit as app.enc.env: `sops -d app.enc.env` opens it.
output "bundle" {
  value = ageenv_bundle.app.ciphertext
}
