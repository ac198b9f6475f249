"""What a selection job chooses from, and how much each image counts."""
