"""What holds for every test."""

from hypothesis import HealthCheck, settings

# Other work on the same cores makes an example slow, which says nothing about the code.
settings.register_profile("framerail", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("framerail")
