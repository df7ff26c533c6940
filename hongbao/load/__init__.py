"""Load: many requests on one ledger, as they come, and how they are answered."""
