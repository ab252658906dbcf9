terraform {
  required_version = ">= 1.11" # write-only arguments and ephemeral variables; OpenTofu 1.11 as well
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
    vultr = {
      source = "vultr/vultr"
    }
  }
}
