"""The log: an append-only list of leaves, one for each lane that moved, with its proofs."""
