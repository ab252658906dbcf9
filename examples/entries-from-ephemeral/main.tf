# Entries that another ephemeral resource gives, for this run only: they are in no
# state and no plan on their way.
#
# Here it is a file that sops encrypted. Any provider's ephemeral resource stands in
# the same place: vault_kv_secret_v2, aws_secretsmanager_secret_version,
# random_password. One that gives another value in each run, as random_password does,
# needs a content_version: the value is then taken when that changes, and carried over
# otherwise.

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

ephemeral "ageenv_bundle" "settings" {
  path = "${path.module}/settings.enc.yaml"
}

module "app" {
  source = "../modules/vultr-box"

  name            = "app"
  region          = "ewr"
  plan            = "vc2-1c-1gb"
  os_id           = 2136
  path            = "/opt/app/.env"
  operators       = var.operators
  content_version = "1"
  entries = {
    DATABASE_PASSWORD = ephemeral.ageenv_bundle.settings.entries["database.password"]
    LOG_LEVEL         = "info"
  }
}
