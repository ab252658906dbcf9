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

# To commit: terraform output -raw bundle > app.enc.env, which `sops -d app.enc.env`
# opens. A bundle is no secret; it is marked sensitive to keep plans short.
output "bundle" {
  value     = ageenv_bundle.app.ciphertext
  sensitive = true
}

# One file per key, exactly as it is given, for docker's and compose's secrets:
# `age -d files.age | tar -x`.
resource "ageenv_bundle" "files" {
  entries_wo = {
    database_password = var.database_password
    "tls.crt"         = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"
  }
  format          = "age_files"
  content_version = "1"
  recipients      = ageenv_key.box.recipients
}
