"""A terminal wallet and red-packet command line: a payment company small enough to read."""
