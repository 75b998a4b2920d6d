"""`framerail replay` and `framerail diff`: what another model version makes of the same frames."""
