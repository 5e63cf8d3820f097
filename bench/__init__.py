"""`make bench`: speed, always as a ratio to something measured in the same run. One file a subject."""
