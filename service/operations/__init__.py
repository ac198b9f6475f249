"""For whoever runs the service: health, readiness, metrics, and what each problem means."""
