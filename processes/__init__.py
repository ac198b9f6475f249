"""Child processes that end when their parent does, and their limits. Standard library only; every room may
import it.
"""
