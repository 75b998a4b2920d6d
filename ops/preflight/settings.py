"""The settings of all services at once, as their preflights want them."""

from consumer.settings import ConsumerSettings
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings


class PreflightSettings(PostprocSettings, ConsumerSettings, ProducerSettings):
    """What every service would be told."""
