"""What goes out: text in pieces that can be said, speech, and what a listener hears next."""
