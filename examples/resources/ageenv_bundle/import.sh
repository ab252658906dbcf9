# By the path of a bundle: a dotenv, binary, YAML or JSON file that sops encrypted with age, or
# an armored age file. An identity that opens it is needed.
terraform import ageenv_bundle.app ./app.enc.env

# Where the env text inside is not in the compose dialect, with its dialect:
#   terraform import ageenv_bundle.app docker:./app.enc.env
