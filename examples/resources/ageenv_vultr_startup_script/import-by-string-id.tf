# By the startup script's UUID.
import {
  to = ageenv_vultr_startup_script.app
  id = "cb676a46-66fd-4dfb-b839-443f2e6c0b60"
}
