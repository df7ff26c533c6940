"""
Typed changes: what an act has decided, for the ledger to apply all together or not at all.

Each names the rows that it touches (`hongbao.store.Change`). An engine with a lock for each row
takes them in sorted order, so that no two acts wait for each other; and rows of `SEALED` tables are
sealed by the act that changes them.
"""
