"""A window of frames, once more through the consumer's own loop, to another results topic."""
