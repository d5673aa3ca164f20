"""The interface to model workers: stubs generated from `proto/parley/v1` with `just gen-proto`."""
