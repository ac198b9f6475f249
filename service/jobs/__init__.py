"""Jobs: creating, watching and cancelling them, and answering with their results."""
