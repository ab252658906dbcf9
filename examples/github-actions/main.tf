# What rotation.yml plans every day. The quarter makes the key and the content due;
# while it is the same, nothing here has to be opened to see that nothing changed.

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
  # A backend that CI can read: the state holds no plaintext and no identity that opens
  # without an operator's.
}

provider "ageenv" {
  escrow_recipients = var.operators
  vultr             = { check_api_key = var.check_api_key }
}

variable "check_api_key" {
  description = "Whether a plan asks Vultr's API whether it accepts the key. rotation.yml has none."
  type        = bool
  default     = true
}

variable "operators" {
  description = "The operators' age recipients (age1…)."
  type        = set(string)
}

variable "quarter" {
  description = "The quarter that key and values are for, for example 2026-q4."
  type        = string
  default     = "2026-q4"

  validation {
    condition     = can(regex("^20[0-9]{2}-q[1-4]$", var.quarter))
    error_message = "quarter is a year and a quarter, for example 2026-q4."
  }
}

variable "token" {
  description = "Whoever applies gives it. A plan needs any text."
  type        = string
  ephemeral   = true
}

resource "ageenv_key" "box" {
  keepers = { quarter = var.quarter }
}

resource "ageenv_bundle" "app" {
  entries_wo = { TOKEN = var.token }
  # With a new key the values are new too. Were it the key alone, the old content would
  # have to be carried over, and a plan would have to open it.
  content_version = var.quarter
  recipients      = ageenv_key.box.recipients
}

resource "ageenv_vultr_startup_script" "app" {
  name             = "app-env"
  wrapped_identity = ageenv_key.box.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.app.ciphertext, path = "/opt/app/.env" }]
  replace_triggers = { recipient = ageenv_key.box.recipient }
}
