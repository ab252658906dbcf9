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

variable "token" {
  type      = string
  ephemeral = true
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  entries_wo = { TOKEN = var.token }
  recipients = ageenv_key.box.recipients
  format     = "age_dotenv" # a box has no sops
}

# The box has its identity from an image, an agent, or a command of the cloud's.
data "ageenv_first_boot_script" "app" {
  name             = "app"
  identity_command = "/usr/local/bin/fetch-identity"
  files = [{
    ciphertext = ageenv_bundle.app.ciphertext
    path       = "/run/app/.env"
    every_boot = true
  }]
  restart_units = ["app.service"]
}

# For an instance of any cloud: user_data = data.ageenv_first_boot_script.app.script
output "user_data" {
  value = data.ageenv_first_boot_script.app.script
}
