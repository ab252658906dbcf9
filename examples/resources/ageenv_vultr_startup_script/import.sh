# By the startup script's UUID. The next apply uploads it again, in place, and warns
# if what it overwrites was not made by ageenv.
terraform import ageenv_vultr_startup_script.app cb676a46-66fd-4dfb-b839-443f2e6c0b60
