"""Imports: the label maps in exports of other tools become annotations."""
