"""One module for each format; `formats.catalog` lists them.

Each has `read`, which lists the label maps of an export, and `write`, which yields the files of one
(`formats.reading.Codec`).
"""
