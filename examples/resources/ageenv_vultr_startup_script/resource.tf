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

variable "boxes" {
  type    = number
  default = 2
}

variable "token" {
  type      = string
  ephemeral = true
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  entries_wo = { TOKEN = var.token }
  recipients = ageenv_key.box.recipients
}

resource "ageenv_vultr_startup_script" "app" {
  name             = "app-env"
  wrapped_identity = ageenv_key.box.wrapped_identity

  files = [{
    ciphertext_wo = ageenv_bundle.app.ciphertext
    path          = "/opt/app/.env"
    owner         = "root"
    group         = "docker"
    mode          = "0640"
  }]

  # Three days are enough for the boxes to start; then the secret leaves the
  # account. More boxes bring it back before they start.
  scrub_after     = "72h"
  upload_triggers = { boxes = var.boxes }

  # A new key gives the script a new ID; everything else changes it in place.
  replace_triggers = {
    key = ageenv_key.box.id
  }
}

# resource "vultr_instance" "app" {
#   count     = var.boxes
#   script_id = ageenv_vultr_startup_script.app.id
#   …
# }
