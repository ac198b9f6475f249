"""What every noun of the API shares: problems, bodies, pages, names, and how they are documented."""
