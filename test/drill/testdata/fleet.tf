# A fleet whose services share one key, which is the worst that a leak can be, and a
# bystander that has nothing to do with it.

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
  type = set(string)
}

variable "services" {
  type = set(string)
}

variable "inputs" {
  description = "The directory of the plaintext files, one per service."
  type        = string
}

resource "ageenv_key" "fleet" {
  escrow_recipients = var.operators
}

ephemeral "ageenv_dotenv" "service" {
  for_each = var.services
  path     = "${var.inputs}/${each.key}"
}

resource "ageenv_bundle" "service" {
  for_each            = var.services
  dotenv_wo           = ephemeral.ageenv_dotenv.service[each.key].dotenv
  recipients          = ageenv_key.fleet.recipients
  operator_recipients = var.operators
}

resource "ageenv_vultr_startup_script" "service" {
  for_each         = var.services
  name             = each.key
  wrapped_identity = ageenv_key.fleet.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.service[each.key].ciphertext, path = "/opt/app/.env" }]
  replace_triggers = { recipient = ageenv_key.fleet.recipient }

  lifecycle {
    create_before_destroy = true
  }
}

resource "ageenv_key" "bystander" {
  escrow_recipients = var.operators
}

ephemeral "ageenv_dotenv" "bystander" {
  path = "${var.inputs}/bystander"
}

resource "ageenv_bundle" "bystander" {
  dotenv_wo           = ephemeral.ageenv_dotenv.bystander.dotenv
  recipients          = ageenv_key.bystander.recipients
  operator_recipients = var.operators
}

resource "ageenv_vultr_startup_script" "bystander" {
  name             = "bystander"
  wrapped_identity = ageenv_key.bystander.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.bystander.ciphertext, path = "/opt/app/.env" }]
  replace_triggers = { recipient = ageenv_key.bystander.recipient }

  lifecycle {
    create_before_destroy = true
  }
}
