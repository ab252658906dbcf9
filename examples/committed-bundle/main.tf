# The bundle is committed as app.enc.env, for whoever opens it with sops and without
# this state. Terraform does not write that file: the check says in every plan and
# apply whether it is still the bundle of the state. After a change:
#
#   terraform apply
#   terraform output -raw bundle > app.enc.env
#   git commit app.enc.env
#
# In CI, a plan that warns "is not the current bundle" is a commit that was forgotten.

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

resource "ageenv_bundle" "app" {
  entries_wo = { TOKEN = var.token }
  recipients = []
}

locals {
  committed = "${path.module}/app.enc.env"
}

check "committed_bundle" {
  assert {
    # A file that is not there counts as an old one.
    condition     = try(filesha256(local.committed), "") == sha256(ageenv_bundle.app.ciphertext)
    error_message = "${local.committed} is not the current bundle. Write it with: terraform output -raw bundle > app.enc.env, and commit it."
  }
}

output "bundle" {
  description = "To commit as app.enc.env."
  value       = ageenv_bundle.app.ciphertext
  sensitive   = true
}
