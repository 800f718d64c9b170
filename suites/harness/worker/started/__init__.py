"""What a worker has started, and where that has gone."""
