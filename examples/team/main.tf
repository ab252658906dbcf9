# A team's secrets: edited with sops, committed, applied by any operator.
#
#   sops edit secrets/prod.enc.env
#   terraform apply

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
  # Use a backend that all operators reach. The state holds no plaintext.
}

variable "environment" {
  description = "Which file of secrets/ to use. Each environment needs a state of its own."
  type        = string
  default     = "prod"
}

locals {
  file = "secrets/${var.environment}.enc.env"

  # The operators of that file, from the first rule that matches, as sops takes it. So
  # there is one list, and a change of it is one reviewed commit.
  rule = [
    for rule in yamldecode(file("${path.module}/.sops.yaml")).creation_rules :
    rule if can(regex(rule.path_regex, local.file))
  ][0]
  operators = toset([for recipient in split(",", local.rule.age) : trimspace(recipient)])
}

provider "ageenv" {
  escrow_recipients = local.operators
}

# The values, for this run only: in no state and in no plan.
ephemeral "ageenv_bundle" "app" {
  path = "${path.module}/${local.file}"
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  dotenv_wo  = ephemeral.ageenv_bundle.app.dotenv
  recipients = ageenv_key.box.recipients
}

resource "ageenv_vultr_startup_script" "app" {
  name                = "app-${var.environment}"
  wrapped_identity_wo = ageenv_key.box.wrapped_identity

  files = [{
    ciphertext_wo = ageenv_bundle.app.ciphertext
    path          = "/opt/app/.env"
    exposure      = "env" # compose's env_file puts the values into a container's environment
  }]

  # A new key means a new script ID, and so new boxes.
  replace_triggers = {
    key = ageenv_key.box.id
  }
}

output "script_id" {
  description = "For script_id of a vultr_instance."
  value       = ageenv_vultr_startup_script.app.id
}
