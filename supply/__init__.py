"""What the product is made of, and whether weaknesses of it are known."""
