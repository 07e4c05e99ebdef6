"""New photos on disk."""
