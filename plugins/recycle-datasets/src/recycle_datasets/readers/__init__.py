"""Readers of tools that keep photos and outlines in documents of their own: one module a tool."""
