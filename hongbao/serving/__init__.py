"""Serving: a process that stays, and does what falls due."""
