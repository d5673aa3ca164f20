"""What hosting takes: prices, what a machine carries, plans of a year, and whether somebody's figures add up.

Pure functions over frozen values; files are read by `prices.read`, `scenario.find` and `capacity.measured` alone.
"""
