"""Functions that a language model may call and this server carries out."""
