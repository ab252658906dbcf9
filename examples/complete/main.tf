# One service, end to end: a key, its encrypted env file, and the startup script
# that puts the decrypted file on a new box's first boot.

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
  }
}

provider "ageenv" {
  # Who can unwrap keys and open bundles. Public keys; `age-keygen` prints them.
  escrow_recipients = var.operators
  # The operator's own key file is found where sops finds it:
  # SOPS_AGE_KEY_FILE, or ~/.config/sops/age/keys.txt. Vultr's key comes from
  # VULTR_API_KEY.
}

variable "operators" {
  description = "The operators' age recipients (age1…)."
  type        = set(string)
}

variable "env_file" {
  description = "Path of the plaintext .env. It is read without leaving a trace in state or plans."
  type        = string
  ephemeral   = true
}

variable "owner" {
  description = "Who owns the file on the box."
  type        = string
  default     = "root"
}

variable "group" {
  description = "The file's group on the box."
  type        = string
  default     = "root"
}

# The plaintext, for this run only.
ephemeral "ageenv_dotenv" "app" {
  path = var.env_file
}

# The box's identity. Rotate it with: terraform apply -replace=ageenv_key.box
resource "ageenv_key" "box" {}

# What gets committed: `sops -d app.enc.env` opens it for an operator.
resource "ageenv_bundle" "app" {
  dotenv_wo  = ephemeral.ageenv_dotenv.app.dotenv
  recipients = ageenv_key.box.recipients
}

# What a new box runs on its first boot.
resource "ageenv_vultr_startup_script" "app" {
  name             = "app-env"
  wrapped_identity = ageenv_key.box.wrapped_identity

  files = [{
    ciphertext_wo = ageenv_bundle.app.ciphertext
    path          = "/opt/app/.env"
    owner         = var.owner
    group         = var.group
    mode          = "0600"
  }]

  # A new key means a new script ID, and so new boxes.
  replace_triggers = {
    key = ageenv_key.box.id
  }
}

output "script_id" {
  description = "For script_id of a vultr_instance."
  value       = ageenv_vultr_startup_script.app.id
}

output "bundle" {
  description = "To commit as app.enc.env."
  value       = ageenv_bundle.app.ciphertext
  sensitive   = true # terraform output -raw bundle > app.enc.env
}
