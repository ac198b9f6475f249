"""Keys: what a program shows to use the service for somebody."""
