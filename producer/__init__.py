"""RTSP cameras into Kafka: each frame that a camera delivers is published or counted as dropped."""
