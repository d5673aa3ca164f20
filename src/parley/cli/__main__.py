"""``python -m parley.cli``."""

from parley.cli import main

main()
