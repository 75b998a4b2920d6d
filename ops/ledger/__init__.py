"""What became of every frame, as Kafka and S3 alone tell it."""
