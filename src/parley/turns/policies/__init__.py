"""What decides: one file a verdict, its thresholds beside it. Policies keep no state."""
