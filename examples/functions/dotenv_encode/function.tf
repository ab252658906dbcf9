terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
}

# For entries that are not secret. Secret ones are given to an ageenv_bundle.
output "defaults" {
  value = provider::ageenv::dotenv_encode({
    LOG_LEVEL = "info"
    GREETING  = "two $words"
  }, "systemd")
}
