"""What was refused, and what is to be done about it."""
