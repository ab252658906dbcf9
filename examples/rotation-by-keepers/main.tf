# The rotation that is reviewed: a commit that changes a keeper makes a new key, and
# with it a new bundle, a new script and a new box. Nothing else about it differs from
# the rotation by taint.

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

variable "quarter" {
  description = "The quarter that the key is for."
  type        = string
  default     = "2026-q4"
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

  keepers = {
    quarter = var.quarter
    # Also what makes an old key doubtful: who left, which laptop was lost.
    incident = "none"
  }
}

output "recipient" {
  value = module.app.recipient
}
