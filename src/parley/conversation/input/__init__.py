"""What comes in: a person's sound, and what is asked about the turn that forms in it."""
