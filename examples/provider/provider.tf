terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
}

provider "ageenv" {
  # The operators: public keys, so they may stand in git.
  escrow_recipients = [var.operator]

  # Private keys are found where sops finds them (SOPS_AGE_KEY_FILE,
  # ~/.config/sops/age/keys.txt, …), or are named here.
  # identity_files = ["~/keys/operator.txt"]

  # Vultr's API key comes from VULTR_API_KEY.
  vultr = {
    requests_per_second = 10
    timeout             = "30s"
  }
}

variable "operator" {
  description = "An operator's age recipient (age1…)."
  type        = string
}
