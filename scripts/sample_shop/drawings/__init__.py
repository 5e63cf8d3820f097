"""One file a category: how its kinds of things look."""
