"""Samples and nothing else: frames, resampling, loudness, G.711, files. Mono throughout."""
