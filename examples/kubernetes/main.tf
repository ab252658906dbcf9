# A Secret for a cluster, committed as app.enc.yaml. The cluster's key opens it: Flux
# has the identity, or whoever deploys runs
#
#   sops -d app.enc.yaml | kubectl apply -f -
#
# After a change:
#
#   terraform apply
#   terraform output -raw manifest > app.enc.yaml
#   git commit app.enc.yaml
#
# Flux does not check sops' MAC: whoever can write the file can remove or replace entries,
# and change the namespace, whose users then read the values.

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

# Its identity is for the cluster: `ephemeral "ageenv_identity"` unwraps it.
resource "ageenv_key" "cluster" {}

resource "ageenv_bundle" "app" {
  entries_wo = { TOKEN = var.token }
  recipients = ageenv_key.cluster.recipients

  format = "sops_kubernetes"
  kubernetes = {
    name      = "app"
    namespace = "production"
    labels    = { "app.kubernetes.io/name" = "app" }
  }
}

output "manifest" {
  description = "To commit as app.enc.yaml."
  value       = ageenv_bundle.app.ciphertext
  sensitive   = true
}
