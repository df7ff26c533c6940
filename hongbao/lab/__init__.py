"""
The laboratory of famous faults: small broken engines, next to one that is right.

Each engine moves money on its own throw-away ledger (`hongbao.lab.ledger`), and each broken
one differs from the right one (`hongbao.lab.engine.Engine`) in one rule, by a fault that real
systems had. Nothing outside this package imports `hongbao.lab.broken`, and none of its ledgers can
be taken for a wallet's.
"""
