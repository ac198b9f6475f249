"""`python -m migrations` brings the database of the settings to the newest schema."""

import sys

from migrations import upgrade
from store.settings import Settings

upgrade(Settings().database)
sys.stdout.write("The database is at the newest schema.\n")
