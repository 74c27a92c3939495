"""What is this string, and what is wrong with it: one module per kind of string."""
