# The emergency rotation: a key may have leaked, and everything that it opens gets
# another one at once.
#
#   terraform apply -replace='module.app.ageenv_key.box'
#
# or, to note it now and apply later:
#
#   terraform taint 'module.app.ageenv_key.box'
#   terraform apply
#
# One apply: a new key, the bundle encrypted anew with a fresh data key, a new script,
# a new box; then the old box and the old script go. Nothing of the old key is kept.
#
# What it does not do: the values are the same, so have each changed by whoever issued
# it; and old ciphertext, in git and in old states, stays open to the old key. The
# guide "Incident response" has every step.

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
}

output "recipient" {
  value = module.app.recipient
}
