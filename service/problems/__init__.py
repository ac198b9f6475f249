"""What each type of problem means."""
