"""Pages that people look at in a browser: self-contained, without a network."""
