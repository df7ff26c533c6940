"""The engine for clusters: the ledger in a database that speaks the MySQL protocol."""
