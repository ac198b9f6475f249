"""HTTP parts that all nouns of the API share: problems, bodies, pages, names, and their documentation."""
