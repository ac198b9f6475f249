"""Users: the accounts of people and programs."""
