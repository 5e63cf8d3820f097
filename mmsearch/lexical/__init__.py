"""The words of products: what of a product is looked in word by word, and how queries and products are brought to one spelling."""
