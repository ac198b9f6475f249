"""What is kept and how it is reached: tables, queries, sessions, blobs, settings and the job core."""
