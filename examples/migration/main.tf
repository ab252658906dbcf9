# From a hand-made age.key and .env.enc to this, with no new box and no new secret.
#
# Before: age-keygen made age.key; sops encrypted .env to it, as .env.enc; a startup
# script, written by hand, takes both to a box. All three are imported as they are:
#
#   1. terraform plan: three to import, none to add, none to destroy. Key and script
#      keep their identity and their ID, and running boxes are not touched.
#   2. terraform apply. The key is in the state now, wrapped to the operators; the
#      bundle is encrypted to them too, its content carried over byte for byte; the
#      script is this provider's, in place, for the next box. The plan warns that the
#      hand-made one is overwritten: it did what files does. If it did more, give the
#      rest as user_script.
#   3. Remove the import blocks, age.key (it is in the state, wrapped) and .env.enc
#      (terraform output -raw bundle gives it).
#   4. Take over the content, when you like: set dotenv_wo or entries_wo. As long as
#      neither is set, the content stays what it is.
#   5. Old copies of age.key stay good for as long as the key does: when it is
#      convenient, terraform apply -replace=ageenv_key.box.

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
}

provider "ageenv" {
  # age.key opens .env.enc, if no operator could until now. Remove it with the file.
  identity_files = ["${path.module}/age.key"]
  # Taken from here and not from the identities at hand: age.key is no operator's.
  escrow_recipients = var.operators
}

variable "operators" {
  description = "The operators' age recipients (age1…)."
  type        = set(string)
}

variable "script_id" {
  description = "The ID of the startup script that was made by hand."
  type        = string
}

import {
  to = ageenv_key.box
  id = "${path.module}/age.key"
}

import {
  to = ageenv_bundle.app
  id = "${path.module}/.env.enc"
}

import {
  to = ageenv_vultr_startup_script.app
  id = var.script_id
}

resource "ageenv_key" "box" {
  escrow_recipients = var.operators
}

resource "ageenv_bundle" "app" {
  format              = "sops_binary"
  recipients          = ageenv_key.box.recipients
  operator_recipients = var.operators
}

resource "ageenv_vultr_startup_script" "app" {
  name             = "app"
  wrapped_identity = ageenv_key.box.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.app.ciphertext, path = "/opt/app/.env" }]
  replace_triggers = { recipient = ageenv_key.box.recipient }
}

output "bundle" {
  value     = ageenv_bundle.app.ciphertext
  sensitive = true
}
