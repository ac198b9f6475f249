"""Assignments: picks in annotators' hands, each under a lease."""
