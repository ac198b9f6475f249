"""Models: trained or imported translators, their files and scores, and translations."""
