"""The opened home: keys and ledger together, and the profile that acts or asks."""
