"""The pages about framerail, and what writes their generated parts."""
