"""Tests of heavy model families, each in an environment of its own: ``just families``."""
