# The routine: a key that is due is rotated in place by the first apply after that,
# and what hangs on it follows. The box stays: it keeps what it has read, and the next
# one gets the new material. A job that plans daily notices it (see github-actions).

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
    vultr = {
      source = "vultr/vultr"
    }
  }
}

variable "operators" {
  description = "The operators' age recipients (age1…)."
  type        = set(string)
}

variable "token" {
  type      = string
  ephemeral = true
}

module "app" {
  source = "../modules/vultr-box"

  name      = "app"
  region    = "ewr"
  plan      = "vc2-1c-1gb"
  os_id     = 2136
  path      = "/opt/app/.env"
  operators = var.operators
  entries   = { TOKEN = var.token }

  rotation_days = 90
}

output "recipient" {
  value = module.app.recipient
}

# A box that holds its identity itself (identity_file, identity_command) opens what is
# sealed during the grace period, so that it can be given the new one in time.
provider "ageenv" {
  escrow_recipients = var.operators
}

resource "ageenv_key" "own_identity" {
  rotation_days = 90
  grace_days    = 14
}

resource "ageenv_bundle" "own_identity" {
  entries_wo      = { TOKEN = var.token }
  content_version = "1"
  format          = "age_dotenv"
  recipients      = ageenv_key.own_identity.recipients
}
