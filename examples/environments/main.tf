# Several environments with one module: each has a key, a bundle and a box of its own,
# so that what leaks in one opens nothing in another. Rotate one of them with
#
#   terraform apply -replace='module.app["staging"].ageenv_key.box'

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

variable "tokens" {
  description = "Environment to its token."
  type        = map(string)
  ephemeral   = true
}

locals {
  # Who may open what is said here, and so is reviewed: give production operators of
  # its own if not everybody may read it.
  environments = {
    staging    = { region = "ewr", plan = "vc2-1c-1gb", log_level = "debug" }
    production = { region = "ams", plan = "vc2-2c-4gb", log_level = "info" }
  }
}

module "app" {
  source   = "../modules/vultr-box"
  for_each = local.environments

  name      = "app-${each.key}"
  region    = each.value.region
  plan      = each.value.plan
  os_id     = 2136
  path      = "/opt/app/.env"
  operators = var.operators
  tags      = [each.key]
  entries = {
    TOKEN     = var.tokens[each.key]
    LOG_LEVEL = each.value.log_level
  }
}

output "boxes" {
  value = { for name, box in module.app : name => box.main_ip }
}
