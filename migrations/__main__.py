"""`python -m migrations` brings the database of the settings to the newest schema."""

import sys

from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from migrations import upgrade
from store.database import SchemaMismatch
from store.settings import settings_or_exit

url = settings_or_exit().database
try:
    upgrade(url)
except SchemaMismatch as error:
    sys.exit(str(error))
except OperationalError as error:
    sys.exit(f"The database {make_url(url)!r} cannot be reached: {error.orig}".rstrip())
sys.stdout.write("The database is at the newest schema.\n")
