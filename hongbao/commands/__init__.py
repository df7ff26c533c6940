"""The commands: one file for each; it parses, calls the wallet, and shows the answer."""
