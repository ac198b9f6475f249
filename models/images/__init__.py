"""Photos, label maps and class tables as arrays and files."""
