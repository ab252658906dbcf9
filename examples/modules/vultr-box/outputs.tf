output "id" {
  description = "The box's ID."
  value       = vultr_instance.box.id
}

output "main_ip" {
  description = "The box's address."
  value       = vultr_instance.box.main_ip
}

output "script_id" {
  description = "The startup script's ID."
  value       = ageenv_vultr_startup_script.env.id
}

output "recipient" {
  description = "The box's recipient (public key)."
  value       = ageenv_key.box.recipient
}

output "wrapped_identity" {
  description = "The box's identity, wrapped to the operators. Encrypted; marked sensitive to keep plans short."
  value       = ageenv_key.box.wrapped_identity
  sensitive   = true
}

output "bundle" {
  description = "The encrypted env file, to commit. No secret; marked sensitive to keep plans short."
  value       = ageenv_bundle.env.ciphertext
  sensitive   = true
}

output "keys" {
  description = "The entries' names, sorted."
  value       = keys(ageenv_bundle.env.changed_at)
}

output "changed_at" {
  description = "Name to the time at which the value last changed; null while that is not known, after an import."
  value       = ageenv_bundle.env.changed_at
}
