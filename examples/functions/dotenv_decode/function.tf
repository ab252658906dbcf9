terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
}

# For text that is not secret. Secret text is read with the ephemeral ageenv_dotenv.
locals {
  defaults = provider::ageenv::dotenv_decode(<<-EOT
    # What every environment has.
    LOG_LEVEL=info
    GREETING='two $words'
  EOT
  )
}

output "log_level" {
  value = local.defaults["LOG_LEVEL"]
}
