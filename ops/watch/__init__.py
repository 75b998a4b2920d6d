"""What the viewer tells, on a terminal."""
