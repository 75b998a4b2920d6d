"""What every service needs to run: settings, logs, metrics and health, Kafka clients, the stop."""
