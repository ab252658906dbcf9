# Secrets that nobody has to invent: made by the bundle, nowhere but in its
# ciphertext, and rotated by a schedule or by keepers.
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

resource "ageenv_key" "box" {
  rotation_days = 90
}

resource "ageenv_bundle" "app" {
  recipients = ageenv_key.box.recipients

  generated = {
    DATABASE_PASSWORD = { length = 40, rotation_days = 30 }
    JWT_SECRET        = { bytes = 64, rotation_days = 365 }
    WEBHOOK_SECRET    = { bytes = 32, encoding = "hex", keepers = { after = "2026-01" } }
  }

  # The values are nowhere else: a bundle that is deleted or replaced loses them.
  lifecycle {
    prevent_destroy = true
  }
}

# What else has to know a value takes it from the ephemeral bundle, in the same
# apply: a database user's write-only password, with its version.
ephemeral "ageenv_bundle" "app" {
  ciphertext = ageenv_bundle.app.ciphertext
}

# Another bundle stands here for that user.
resource "ageenv_bundle" "database_user" {
  entries_wo      = { PASSWORD = ephemeral.ageenv_bundle.app.entries["DATABASE_PASSWORD"] }
  content_version = ageenv_bundle.app.generated_status["DATABASE_PASSWORD"].version
  recipients      = []
}
