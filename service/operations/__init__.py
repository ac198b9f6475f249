"""Health, readiness and metrics, for whoever runs the service."""
