"""Child processes that end when their parent does. Standard library only; every room may import it."""
