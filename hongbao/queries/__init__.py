"""Queries on an opened home. They cannot write."""
