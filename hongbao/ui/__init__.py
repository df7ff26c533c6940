"""How answers look on a terminal and in a pipe. Each kind of answer has its own file."""
