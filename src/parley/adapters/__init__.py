"""One module for each model family, found by entry point and imported when a model of it is loaded."""
