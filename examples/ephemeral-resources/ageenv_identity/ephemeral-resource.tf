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

resource "ageenv_key" "box" {}

# For this run only: the identity is in no state and in no plan.
ephemeral "ageenv_identity" "box" {
  wrapped_identity = ageenv_key.box.wrapped_identity
}

variable "token" {
  type      = string
  ephemeral = true
}

resource "ageenv_bundle" "app" {
  entries_wo = { TOKEN = var.token }
  recipients = ageenv_key.box.recipients
}

resource "ageenv_vultr_startup_script" "app" {
  name        = "app-env"
  identity_wo = ephemeral.ageenv_identity.box.identity
  files       = [{ ciphertext_wo = ageenv_bundle.app.ciphertext, path = "/opt/app/.env" }]
}
