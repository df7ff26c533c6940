"""Recordings: what was typed as a story that plays itself, and stories as moving pictures."""
