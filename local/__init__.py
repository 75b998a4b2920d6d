"""The embedded stack: real Kafka, RTSP server, Triton and S3 as child processes, without Docker."""
