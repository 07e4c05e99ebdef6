"""Sheets and pages of labelled photos, and what every page is made with."""
