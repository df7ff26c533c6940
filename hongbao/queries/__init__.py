"""Questions: what a home says of itself. Nothing here changes anything."""
