"""Assignments: picks handed out to annotators, each under a lease."""
