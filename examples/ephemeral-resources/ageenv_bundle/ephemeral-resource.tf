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

variable "shared_token" {
  type      = string
  ephemeral = true
}

# What one team sealed to the operators …
resource "ageenv_bundle" "shared" {
  entries_wo = { SHARED_TOKEN = var.shared_token }
  recipients = []
}

# … is opened for this run only. A committed file opens with
# path = "${path.module}/shared.enc.env".
ephemeral "ageenv_bundle" "shared" {
  ciphertext = ageenv_bundle.shared.ciphertext
}

# Any file that sops encrypted to an age recipient is read, nested ones flattened.
ephemeral "ageenv_bundle" "settings" {
  path = "${path.module}/settings.enc.yaml"
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  entries_wo = merge(ephemeral.ageenv_bundle.shared.entries, {
    DATABASE_PASSWORD = ephemeral.ageenv_bundle.settings.entries["database.password"]
    LOG_LEVEL         = "info"
  })
  recipients = ageenv_key.box.recipients
}
