"""
Delivery: events handed to programs and webhooks, each at least once, from a named cursor on.

Nothing here is money, and `check` does not know it: cursors, the secrets of webhooks and the tries
lie in notes next to the ledger (`hongbao.vault.notes`). No other room opens a connection.
"""
