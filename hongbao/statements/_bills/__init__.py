"""Bills: statements from elsewhere, brought in and laid beside the ledger."""
