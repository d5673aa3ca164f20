"""A client of the protocol: what `parley talk` and the benchmarks are made of. Knows no server internals."""
