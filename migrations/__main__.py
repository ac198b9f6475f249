"""`python -m migrations` brings the database of the settings to the newest schema."""

import sys

from migrations import upgrade
from store.database import SchemaMismatch
from store.settings import Settings

try:
    upgrade(Settings().database)
except SchemaMismatch as error:
    sys.exit(str(error))
sys.stdout.write("The database is at the newest schema.\n")
