"""`framerail preflight`: limits, rights and clocks on the way, checked before anything starts."""
