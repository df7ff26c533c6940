"""What the drawer is made of: one file for each kind of thing it keeps (see `hongbao.store`)."""
