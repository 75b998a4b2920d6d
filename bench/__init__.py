"""Measures the pipeline against the bare model, Triton alone, and an afternoon's peer."""
