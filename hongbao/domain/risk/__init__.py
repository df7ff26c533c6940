"""Risk control: what an act looks like, what it is measured by, and how it is answered."""
