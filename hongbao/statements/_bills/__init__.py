"""Bills: statements from elsewhere, imported to be compared with the ledger."""
