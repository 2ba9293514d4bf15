"""The demonstration: one model's whole life on the embedded local cloud, told as it happens."""
