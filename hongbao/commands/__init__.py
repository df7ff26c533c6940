"""The counter's windows: one file for each thing a person can type."""
