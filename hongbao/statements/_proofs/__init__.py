"""Verification of statements, and signed receipts."""
