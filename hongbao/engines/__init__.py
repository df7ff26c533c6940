"""Engines: who keeps the ledger, and how it is asked."""
