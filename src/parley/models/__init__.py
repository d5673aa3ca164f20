"""What a model is: interfaces, the catalogue, the store of files, loading, and exact fakes."""
