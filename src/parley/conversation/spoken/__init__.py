"""How a written text is said: mark-up goes, numbers, signs and abbreviations become words, each with its place."""
