"""Risk control: acts, indicators, rules, the model, and the verdict."""
