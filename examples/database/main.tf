# A database user's password that nobody invents or copies: the bundle makes it, the
# database gets it in the same apply, and the box reads it. After 30 days the next apply
# changes it in all three places.
#
# The administrator's connection comes from the environment: PGHOST, PGUSER, PGPASSWORD.

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
    postgresql = {
      source  = "cyrilgdn/postgresql"
      version = ">= 1.26" # the first with password_wo
    }
  }
}

provider "ageenv" {
  escrow_recipients = var.operators
}

provider "postgresql" {}

variable "operators" {
  description = "The operators' age recipients (age1…)."
  type        = set(string)
}

resource "ageenv_key" "box" {}

# Letters and digits alone: the password fits into a URL as it is.
resource "ageenv_bundle" "app" {
  entries_wo = { DATABASE_USER = "app", DATABASE_HOST = "db.internal" }
  generated  = { DATABASE_PASSWORD = { length = 40, rotation_days = 30 } }
  recipients = ageenv_key.box.recipients

  # The password is nowhere else: a bundle that is deleted or replaced loses it.
  lifecycle {
    prevent_destroy = true
  }
}

# The password, for this run only: in no state and in no plan.
ephemeral "ageenv_bundle" "app" {
  ciphertext = ageenv_bundle.app.ciphertext
}

resource "postgresql_role" "app" {
  name        = "app"
  login       = true
  password_wo = ephemeral.ageenv_bundle.app.entries["DATABASE_PASSWORD"]
  # How often the password was made. The provider sets it only when this changes.
  password_wo_version = ageenv_bundle.app.generated_status["DATABASE_PASSWORD"].version
}

resource "ageenv_vultr_startup_script" "app" {
  name                = "app"
  wrapped_identity_wo = ageenv_key.box.wrapped_identity

  files = [{
    ciphertext_wo = ageenv_bundle.app.ciphertext
    path          = "/opt/app/.env"
    exposure      = "env" # compose's env_file puts the values into a container's environment
  }]

  # A new password means a new script ID, and so new boxes: those that run have the old one.
  replace_triggers = {
    key      = ageenv_key.box.id
    password = tostring(ageenv_bundle.app.generated_status["DATABASE_PASSWORD"].version)
  }

  # The box must not start before the database takes its password.
  depends_on = [postgresql_role.app]
}

output "script_id" {
  description = "For script_id of a vultr_instance."
  value       = ageenv_vultr_startup_script.app.id
}

output "bundle" {
  description = "For an operator: terraform output -raw bundle | sops decrypt …"
  value       = ageenv_bundle.app.ciphertext
  sensitive   = true
}
