"""The read-only web page: what the pipeline does, live, and its newest pictures."""
