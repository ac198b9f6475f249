"""Copies of a whole server, made while it runs: `docs/operate.md` says how, decision 27 says why so.

FOLDER/blobs/ab/abcdef…   bytes by their SHA-256, shared by all backups in the folder
FOLDER/TIME.json          one backup: its manifest, written last
"""
