"""`results` to annotated pictures in S3: each one stored before its record is acknowledged."""
