"""The domain rules: pure, standard library only, no files, no clock, no randomness."""
