"""One module a stack: what is kept, what decides, and what serves."""
