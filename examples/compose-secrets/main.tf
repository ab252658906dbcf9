# Docker compose with `secrets:`. Each value is a file of its own on the box, and no
# container has one in its environment. The guide "Docker compose" leads through it.

terraform {
  required_version = ">= 1.11"
  required_providers {
    ageenv = {
      source = "ageenv/ageenv"
    }
    vultr = {
      source = "vultr/vultr"
    }
  }
}

# The operators: the same list for sops and for this provider.
locals {
  operators = split(",", replace(yamldecode(file("${path.module}/.sops.yaml")).creation_rules[0].age, " ", ""))
}

provider "ageenv" {
  escrow_recipients = local.operators
}

variable "ssh_key_ids" {
  description = "IDs of SSH keys in the Vultr account, for root on the box."
  type        = list(string)
  default     = null
}

# The values, for this run only: in no state and in no plan.
ephemeral "ageenv_bundle" "app" {
  path = "${path.module}/app.enc.env"
}

# The box's own key. State holds it encrypted to the operators.
resource "ageenv_key" "box" {}

resource "ageenv_bundle" "app" {
  dotenv_wo  = ephemeral.ageenv_bundle.app.dotenv
  recipients = ageenv_key.box.recipients
  format     = "age_files" # one file for each entry
}

# What the box runs on its first boot.
resource "ageenv_vultr_startup_script" "app" {
  name                = "app"
  wrapped_identity_wo = ageenv_key.box.wrapped_identity

  files = [{
    ciphertext_wo = ageenv_bundle.app.ciphertext
    path          = "/run/app/secrets" # in memory, so on no disk
    every_boot    = true               # /run is empty after a reboot
    layout        = "directory"
    owner         = "1000" # the user of the container that reads them
    group         = "1000"
    exposure      = "file" # `ageenv verify` fails if docker shows a value
  }]

  # Starts the project, and makes its containers again when a file has changed.
  recreate_compose = ["/opt/app"]

  # A new key means a new script ID, and so a new box.
  replace_triggers = {
    key = ageenv_key.box.id
  }
}

resource "vultr_instance" "app" {
  label       = "app"
  region      = "ams"
  plan        = "vc2-1c-2gb"
  os_id       = 2625 # Debian 13
  ssh_key_ids = var.ssh_key_ids
  script_id   = ageenv_vultr_startup_script.app.id

  # cloud-init brings Docker and the compose file, before the script runs. This is in
  # the state and in the account in plain: no secrets here.
  user_data = "#cloud-config\n${yamlencode({
    packages = ["docker.io", "docker-cli", "docker-compose"]
    write_files = [{
      path    = "/opt/app/compose.yaml"
      content = file("${path.module}/compose.yaml")
    }]
  })}"
}

output "ip" {
  description = "The box's address."
  value       = vultr_instance.app.main_ip
}

output "script_id" {
  description = "The startup script's ID."
  value       = ageenv_vultr_startup_script.app.id
}

output "bundle_sha256" {
  description = "What `ageenv status` on a box shows that has these values."
  value       = ageenv_vultr_startup_script.app.files[0].ciphertext_sha256
}
