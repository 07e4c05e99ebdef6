"""How each reader's labels look in a folder: one light module a tool, imported by `recycle data import` alone."""
