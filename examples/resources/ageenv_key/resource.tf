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

# Made once, kept wrapped to the operators. A new one, at once:
#   terraform apply -replace=ageenv_key.box
resource "ageenv_key" "box" {
  # A change of a value here makes a new key too.
  keepers = {
    rotation = "2026-q4"
  }
}

output "recipient" {
  value = ageenv_key.box.recipient
}
