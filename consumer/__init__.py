"""Frames from Kafka, gathered in batches of 25, inferred by Triton, written to `results`."""
