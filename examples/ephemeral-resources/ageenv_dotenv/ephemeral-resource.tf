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

variable "env_file" {
  description = "Path of a plaintext env file."
  type        = string
  ephemeral   = true
}

# Unlike file(), this leaves no digest of the text in a saved plan.
ephemeral "ageenv_dotenv" "app" {
  path = var.env_file
  # ${NAME} takes the value that the file sets earlier. Without this it is an error.
  references = "resolve"
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  dotenv_wo  = ephemeral.ageenv_dotenv.app.dotenv
  recipients = ageenv_key.box.recipients
}
