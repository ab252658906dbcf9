variable "name" {
  description = "The service's name. The box is labelled with it, and the startup script is named after it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", var.name))
    error_message = "name has 1 to 63 letters, digits, dots, underscores and hyphens, and begins with a letter or a digit."
  }
}

# The box

variable "region" {
  description = "Vultr's region, for example ewr."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{3,}$", var.region))
    error_message = "region is a Vultr region in lower case, for example ewr."
  }
}

variable "plan" {
  description = "Vultr's plan, for example vc2-1c-1gb."
  type        = string

  validation {
    condition     = length(trimspace(var.plan)) > 0
    error_message = "plan is the ID of a Vultr plan, for example vc2-1c-1gb."
  }
}

variable "os_id" {
  description = "What the box is made from: the ID of an operating system. This, image_id or snapshot_id."
  type        = number
  default     = null
}

variable "image_id" {
  description = "What the box is made from: the ID of a marketplace image. This, os_id or snapshot_id."
  type        = string
  default     = null

  validation {
    condition     = length([for id in [var.os_id, var.image_id, var.snapshot_id] : id if id != null]) == 1
    error_message = "Set exactly one of os_id, image_id and snapshot_id."
  }
}

variable "snapshot_id" {
  description = "What the box is made from: the ID of a snapshot. This, os_id or image_id."
  type        = string
  default     = null
}

variable "hostname" {
  description = "The box's host name; by default Vultr chooses one. A change makes a new box."
  type        = string
  default     = null
}

variable "user_data" {
  description = "Cloud-init user data, which runs beside the startup script. It is in the state in clear: no secrets. A change makes a new box."
  type        = string
  default     = null
}

variable "ssh_key_ids" {
  description = "SSH keys for root, by their IDs in the account. A change makes a new box."
  type        = list(string)
  default     = null
}

variable "firewall_group_id" {
  description = "The firewall group that the box is put in."
  type        = string
  default     = null
}

variable "tags" {
  description = "The box's tags."
  type        = set(string)
  default     = []
}

# What it gets

variable "entries" {
  description = "The env entries, name to value. With dotenv too, these win name by name."
  type        = map(string)
  default     = null
  ephemeral   = true # what is only sensitive would be put into a saved plan
}

variable "dotenv" {
  description = "The env entries as text, for example ephemeral.ageenv_dotenv.….dotenv."
  type        = string
  default     = null
  ephemeral   = true
}

variable "content_version" {
  description = "Any text that is changed when the content changes. With it no plan needs an operator's identity to see whether it did, and a change makes a new box. Without it a change of content only changes the script, which the next box gets."
  type        = string
  default     = null

  validation {
    condition     = var.content_version == null || try(length(var.content_version) > 0, false)
    error_message = "content_version is not empty; leave it out to have the content compared."
  }
}

variable "path" {
  description = "Where the env file is put on the box."
  type        = string

  validation {
    condition     = can(regex("^/[^/]", var.path))
    error_message = "path is absolute, for example /opt/app/.env."
  }
}

variable "owner" {
  description = "Who owns the file, by name or number."
  type        = string
  default     = "root"
}

variable "group" {
  description = "The file's group, by name or number."
  type        = string
  default     = "root"
}

variable "mode" {
  description = "The file's mode, octal."
  type        = string
  default     = "0600"

  validation {
    condition     = can(regex("^0?[0-7]{3}$", var.mode))
    error_message = "mode is octal, for example 0640."
  }
}

variable "dialect" {
  description = "Whose rules the env text in dotenv follows: compose, docker, systemd, shell or portable. Also who reads the file, unless readers says otherwise."
  type        = string
  default     = "compose"

  validation {
    condition     = contains(["compose", "docker", "systemd", "shell", "portable"], var.dialect)
    error_message = "dialect is compose, docker, systemd, shell or portable."
  }
}

variable "readers" {
  description = "Everybody who reads the file, where that is more than the dialect's program: dialects, and node, next, python, php, ruby, go."
  type        = list(string)
  default     = null

  validation {
    condition = var.readers == null ? true : length(var.readers) > 0 && alltrue([
      for reader in var.readers : contains(["compose", "docker", "systemd", "shell", "portable", "node", "next", "python", "php", "ruby", "go"], reader)
    ])
    error_message = "readers are compose, docker, systemd, shell, portable, node, next, python, php, ruby or go, one at least; null is the dialect alone."
  }
}

# Who opens it

variable "operators" {
  description = "The operators' recipients: who can open the box's key and its bundle. A change wraps and encrypts anew, in place; the box stays."
  type        = set(string)

  validation {
    condition     = length(var.operators) > 0
    error_message = "operators has one recipient at least: without any, nobody but the box could open what is made here. Two are better: an identity can be lost."
  }
}

variable "recipients" {
  description = "More recipients of the bundle, beside the box and the operators: another box's, for example."
  type        = set(string)
  default     = []
}

variable "rotation_days" {
  description = "After how many days the key is rotated: in place, for the next box; this one stays. Null for no schedule."
  type        = number
  default     = null
}

variable "keepers" {
  description = "Arbitrary values. A change makes a new key, and with it a new box: the rotation that is declared."
  type        = map(string)
  default     = {}
}
