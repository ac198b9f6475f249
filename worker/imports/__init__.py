"""What an import job reads, and what it makes of it."""
