"""The application: models, sockets, REST, security, admission, health, metrics, logs, page."""
