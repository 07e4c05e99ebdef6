"""Its entry point lies in a group that is not read."""
