"""A terminal wallet and red-packet command line on a double-entry ledger."""
