"""A package that takes seconds to import."""
