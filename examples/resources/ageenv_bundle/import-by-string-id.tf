import {
  to = ageenv_bundle.app
  id = "app.enc.env"
}
