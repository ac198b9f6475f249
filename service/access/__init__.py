"""Who asks: finds the principal of each request."""
