"""Self-hosted server for real-time, full-duplex voice conversations."""

__version__ = "0.1.0"
