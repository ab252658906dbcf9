"""read.py DIRECTORY prints what python-dotenv makes of DIRECTORY/.env, as JSON."""

import json
import sys

from dotenv import dotenv_values

print(json.dumps(dotenv_values(sys.argv[1] + "/.env", encoding="utf-8")))
