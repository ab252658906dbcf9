# By the path of a key file, as age-keygen writes it, or of one that was
# encrypted to an operator. The key itself is never the ID.
terraform import ageenv_key.box ./age.key
