"""The opened home: keys and ledger together, and the current profile."""
