"""What shoppers say: review sentences and search words, English and Chinese."""
