"""The local web page: drop a photo, see the materials."""
