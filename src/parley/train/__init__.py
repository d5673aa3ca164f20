"""From sources of speech to a data set for training: steps from manifest to manifest, each of which can be resumed."""
