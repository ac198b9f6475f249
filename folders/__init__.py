"""What the files of a folder or an archive are, by their names alone. Standard library only."""
