terraform {
  required_version = ">= 1.14"
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
}

resource "ageenv_vultr_startup_script" "app" {
  name             = "app-env"
  wrapped_identity = ageenv_key.box.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.app.ciphertext, path = "/opt/app/.env" }]
}

# By hand: terraform apply -invoke=action.ageenv_vultr_startup_script_scrub.app
action "ageenv_vultr_startup_script_scrub" "app" {
  config {
    script_id = ageenv_vultr_startup_script.app.id
  }
}

# Or as soon as the boxes are up. This stands for what waits for them.
resource "terraform_data" "boxes_are_up" {
  triggers_replace = [ageenv_vultr_startup_script.app.id]

  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.ageenv_vultr_startup_script_scrub.app]
    }
  }
}
