"""From weights to labels of any number of photos."""
