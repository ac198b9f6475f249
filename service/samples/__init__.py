"""What a training shows while it trains: the sheets that it draws, and what it prints."""
