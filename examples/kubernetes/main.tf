# A Secret for a cluster, committed as app.enc.yaml. The cluster's key opens it: Flux
# has the identity, or a deployment runs
#
#   sops -d app.enc.yaml | kubectl apply -f -
#
# After a change:
#
#   terraform apply
#   terraform output -raw manifest > app.enc.yaml
#   git commit app.enc.yaml
#
# Flux takes the identity from a Secret, which a Kustomization names (decryption, with
# provider sops and secretRef sops-age). Make it once, and again after every rotation of
# the key, before the new manifest is pushed; --from-file takes a key file of any number
# of identities:
#
#   terraform output -raw wrapped_identity | age -d -i ~/.config/sops/age/keys.txt |
#     kubectl create secret generic sops-age --namespace=flux-system \
#       --from-file=age.agekey=/dev/stdin --dry-run=client -o yaml | kubectl apply -f -
#
# A rotation with grace_days keeps the old identity in that file until the time is over.
#
# Flux does not check sops' MAC: anybody who can write the file can remove or replace entries,
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

# Its identity is for the cluster. It is in the state only wrapped to the operators.
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

output "wrapped_identity" {
  description = "The cluster's identity, encrypted to the operators."
  value       = ageenv_key.cluster.wrapped_identity
  sensitive   = true
}
