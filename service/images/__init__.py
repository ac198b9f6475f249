"""Photos: uploading, checking, listing and showing them."""
