"""Proofs: whether a statement is what was signed, and receipts that prove themselves."""
