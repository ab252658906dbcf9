# The box's identity, made once and kept wrapped to the operators.
resource "ageenv_key" "box" {
  # Not left to the provider's default, which is taken once: so that an operator who
  # comes or goes is one change of a variable.
  escrow_recipients = var.operators
  keepers           = var.keepers
  rotation_days     = var.rotation_days
}

resource "ageenv_bundle" "env" {
  entries_wo          = var.entries
  dotenv_wo           = var.dotenv
  content_version     = var.content_version
  dialect             = var.dialect
  readers             = var.readers
  recipients          = setunion(ageenv_key.box.recipients, var.recipients)
  operator_recipients = var.operators
}

resource "ageenv_vultr_startup_script" "env" {
  name             = "${var.name}-env"
  wrapped_identity = ageenv_key.box.wrapped_identity

  files = [{
    ciphertext_wo = ageenv_bundle.env.ciphertext
    path          = var.path
    owner         = var.owner
    group         = var.group
    mode          = var.mode
  }]

  # What is to make new boxes, and nothing else: both are known while planning unless
  # they really change. The key's ID changes with taint and -replace, and not with its
  # schedule. Everything beside them changes the script in place.
  replace_triggers = {
    key             = ageenv_key.box.id
    content_version = var.content_version
  }

  lifecycle {
    create_before_destroy = true # the old box must not lose its script while it is still needed
  }
}

resource "vultr_instance" "box" {
  label             = var.name
  region            = var.region
  plan              = var.plan
  os_id             = var.os_id
  image_id          = var.image_id
  snapshot_id       = var.snapshot_id
  hostname          = var.hostname
  user_data         = var.user_data
  ssh_key_ids       = var.ssh_key_ids
  firewall_group_id = var.firewall_group_id
  tags              = var.tags
  script_id         = ageenv_vultr_startup_script.env.id

  lifecycle {
    create_before_destroy = true # the service stays up: the old box goes when the new one is there
    # script_id alone would do, as a new key makes a new script. This one says it, and
    # fires on the attribute: on the whole key it would on a re-wrap too, and on
    # recipient when a schedule rotates the key in place.
    replace_triggered_by = [ageenv_key.box.id]
  }
}
