"""One module for each kind of job, named by the kind."""
