"""Runs that were trained: what they are, how they differ, and removing them. No torch."""
