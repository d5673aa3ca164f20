"""Mutation testing: small faults are put into a module, and its own tests have to notice them.

House rules: mutmut's operators make the faults, this package chooses, bounds and judges. Each mutant lives in a forked
process that imports the module with the fault in it; no file is changed.
"""
