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

variable "token" {
  type      = string
  ephemeral = true
}

resource "ageenv_key" "box" {
  rotation_days = 90
}

resource "ageenv_bundle" "app" {
  entries_wo = {
    PAYMENT_API_KEY   = var.token
    DATABASE_PASSWORD = var.token
    JWT_SECRET        = var.token
  }
  recipients = ageenv_key.box.recipients
}

# The runbook: API keys quarterly, database passwords monthly, JWT secrets yearly.
locals {
  schedule = {
    PAYMENT_API_KEY   = { kind = "API key", owner = "payments", days = 90 }
    DATABASE_PASSWORD = { kind = "database password", owner = "platform", days = 30 }
    JWT_SECRET        = { kind = "JWT secret", owner = "platform", days = 365 }
  }
}

data "ageenv_rotation_report" "app" {
  at = plantimestamp()
  items = concat(
    [for name, item in local.schedule : merge(item, {
      name       = name
      changed_at = try(ageenv_bundle.app.changed_at[name], null)
      automated  = false
      # What a removed operator could read is due from then on.
      operator_removed_at = ageenv_bundle.app.operator_removed_at
    })],
    [{
      name       = "ageenv_key.box"
      kind       = "age key"
      owner      = "platform"
      changed_at = ageenv_key.box.created_at
      days       = ageenv_key.box.rotation_days
      automated  = true

      operator_removed_at = ageenv_key.box.operator_removed_at
    }],
  )

  # Who is in each scope, and which scopes may read which secret.
  scopes = {
    people  = [var.operator]
    runtime = ageenv_key.box.recipients
  }
  scope_rules = [
    { name = "JWT_*", scopes = ["people", "runtime"] },
    { name = "*", bundle = "app", scopes = ["people", "runtime"] },
  ]
  stored = [{
    bundle     = "app"
    names      = keys(ageenv_bundle.app.changed_at)
    recipients = setunion(ageenv_bundle.app.recipients, ageenv_bundle.app.operator_recipients)
  }]
}

check "rotation" {
  assert {
    condition     = length(data.ageenv_rotation_report.app.overdue) == 0
    error_message = "Overdue: ${join(", ", data.ageenv_rotation_report.app.overdue)}"
  }
}

check "scopes" {
  assert {
    condition = data.ageenv_rotation_report.app.scope_compliance.percent == 100
    error_message = "Readable where it may not be: ${join(", ", [
      for o in data.ageenv_rotation_report.app.scope_compliance.offenders : "${o.name} in ${o.bundle} (${o.reason})"
    ])}"
  }
}

# To paste into a ticket: data.ageenv_rotation_report.app.markdown, for example by
#   echo data.ageenv_rotation_report.app.markdown | terraform console
