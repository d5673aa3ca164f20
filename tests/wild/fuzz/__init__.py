"""What no client should send, made from a seed, and the conversation that has to bear it.

``python -m tests.wild.fuzz KIND URL`` is the fuzzer, ``python -m tests.wild.fuzz.innocent URL CLIP`` the conversation.
Each is a process of its own, so that neither keeps the other, or the test, from its clock.
"""
