"""`framerail plan`: what so many cameras need, from what was measured, and what stops first."""
