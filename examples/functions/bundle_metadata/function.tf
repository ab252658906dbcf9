terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
}

# What a committed bundle shows, without an identity. Nothing of it is verified.
locals {
  bundle = provider::ageenv::bundle_metadata(file("${path.module}/app.enc.env"))
}

output "who_opens_it" {
  value = local.bundle.recipients
}

check "operators_can_open_it" {
  assert {
    condition     = contains(local.bundle.recipients, var.operator)
    error_message = "app.enc.env is not encrypted to the operator."
  }
}

variable "operator" {
  description = "An operator's age recipient (age1…)."
  type        = string
}
