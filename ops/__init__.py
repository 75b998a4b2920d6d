"""The `framerail` command: runs the whole pipeline on one machine and tells what became of it."""
