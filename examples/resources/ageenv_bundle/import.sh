# By the path of a bundle: a dotenv file that sops encrypted with age, or an
# armored age file. An identity that opens it is needed.
terraform import ageenv_bundle.app ./app.enc.env
