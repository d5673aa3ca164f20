"""Self-hosted server for real-time, full-duplex voice conversations."""

import os

__version__ = "0.1.0"

# NumPy's matrix products here are tiny; its BLAS would spin on every core beside the models. Read when NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Our child processes are started with exec, so gRPC need not prepare for forks. Read when gRPC is loaded.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
