"""The window: how answers look to people. Each kind of answer has a file of its own."""
