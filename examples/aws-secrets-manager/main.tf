# Values from AWS Secrets Manager, read in each run and kept in no state and no plan. The
# secret app/prod is a JSON object of names to values, as AWS' console writes it.

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.77" # the first with the ephemeral aws_secretsmanager_secret_version
    }
  }
}

provider "ageenv" {
  escrow_recipients = var.operators
}

provider "aws" {
  region = "eu-central-1"
}

variable "operators" {
  description = "The operators' age recipients (age1…)."
  type        = set(string)
}

ephemeral "aws_secretsmanager_secret_version" "app" {
  secret_id = "app/prod"
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  # Number and truth values of the JSON object become texts.
  entries_wo = {
    for name, value in jsondecode(ephemeral.aws_secretsmanager_secret_version.app.secret_string) : name => tostring(value)
  }
  recipients = ageenv_key.box.recipients
}
