# Values from 1Password, read in each run and kept in no state and no plan.
#
# Log in before a run: OP_SERVICE_ACCOUNT_TOKEN for a service account, or OP_ACCOUNT for the
# desktop app.

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
    onepassword = {
      source  = "1Password/onepassword"
      version = ">= 3.2" # the first with the ephemeral onepassword_item
    }
  }
}

provider "ageenv" {
  escrow_recipients = var.operators
}

provider "onepassword" {}

variable "operators" {
  description = "The operators' age recipients (age1…)."
  type        = set(string)
}

variable "vault" {
  description = "The UUID of the vault: op vault get NAME prints it."
  type        = string
}

# An item of the category "Password" or "Login".
ephemeral "onepassword_item" "database" {
  vault = var.vault
  title = "app database"
}

# One of the category "API Credential".
ephemeral "onepassword_item" "token" {
  vault = var.vault
  title = "app token"
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  entries_wo = {
    DATABASE_PASSWORD = ephemeral.onepassword_item.database.password
    TOKEN             = ephemeral.onepassword_item.token.credential
    LOG_LEVEL         = "info"
  }
  recipients = ageenv_key.box.recipients
}
