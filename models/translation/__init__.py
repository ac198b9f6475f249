"""Using a trained or an imported model: its files, and photos ↔ label maps."""
