# Startup scripts of the account whose names begin with "app".
#
#   terraform query
#   terraform query -generate-config-out=generated.tf
list "ageenv_vultr_startup_script" "app" {
  provider = ageenv

  config {
    name_prefix = "app"
  }
}
