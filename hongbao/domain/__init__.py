"""The rules on the wall: standard library only, no files, no clock, no dice."""
