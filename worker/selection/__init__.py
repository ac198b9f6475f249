"""What a selection chooses from, and how much each image counts."""
