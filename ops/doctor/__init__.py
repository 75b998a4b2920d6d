"""`framerail doctor`: one camera is watched, and what is found of it is told to a person."""
