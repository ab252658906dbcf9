import {
  to = ageenv_key.box
  id = "age.key"
}
