"""The sample shop: everything in sample_data/ is drawn, written or synthesised by this package (see scripts/make_sample_data.py)."""
