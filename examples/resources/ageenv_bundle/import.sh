# By the path of a bundle: a dotenv, binary, YAML or JSON file that sops encrypted with age, or
# an armored age file. An identity that opens it is needed. A YAML or JSON file has to be one
# mapping of names to encrypted texts: no numbers, lists or comments, and no names inside names.
# The manifest of a Secret is imported too, if it has nothing but apiVersion, kind, type, data,
# stringData, and of metadata name, namespace, labels and annotations.
terraform import ageenv_bundle.app ./app.enc.env

# Where the env text inside is not in the compose dialect, with its dialect or its reader:
#   terraform import ageenv_bundle.app docker:./app.enc.env
#   terraform import ageenv_bundle.app python:./app.enc.env

# Any other file that sops encrypted is read, not imported: see the ephemeral ageenv_bundle. A
# plaintext env file is read with the ephemeral ageenv_dotenv. Both feed a new ageenv_bundle.
