"""Models: trained translators, their files and scores, and translating photos with them."""
