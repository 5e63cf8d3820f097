"""What comes in: record types, readers, cleaning, ingest."""
