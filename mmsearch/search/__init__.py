"""Search: query → candidates → ranking → hits with their explanation."""
