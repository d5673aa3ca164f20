"""Ways for a client to reach a session: packets to and from realtime events and frames."""
