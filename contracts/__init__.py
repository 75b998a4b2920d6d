"""What the services agree on: topics, keys, records and identities. Pure: no I/O, no clock."""
