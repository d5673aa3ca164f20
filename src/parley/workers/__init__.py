"""Models in other processes: the gRPC interface, the worker, the fleet of workers, and choosing among them."""
