"""Engines: implementations of the ledger interface."""
