# Values from a project of Bitwarden Secrets Manager, read in each run and kept in no state and
# no plan. No released provider of Bitwarden's has an ephemeral resource: its command bws reads
# the secrets, and an ephemeral variable takes them.
#
#   export TF_VAR_secrets=$(bws secret list PROJECT_ID)
#   terraform apply
#
# bws takes the access token of a machine account from BWS_ACCESS_TOKEN.

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
}

provider "ageenv" {
  escrow_recipients = var.operators
}

variable "operators" {
  description = "The operators' age recipients (age1…)."
  type        = set(string)
}

# A text, not a map: Terraform would read ${…} in a value of a map as its own.
variable "secrets" {
  description = "The secrets of a project as JSON, as bws secret list prints them."
  type        = string
  ephemeral   = true
}

resource "ageenv_key" "box" {}

# The name of a secret is the name of the entry.
resource "ageenv_bundle" "app" {
  entries_wo = { for secret in jsondecode(var.secrets) : secret.key => secret.value }
  recipients = ageenv_key.box.recipients
}
