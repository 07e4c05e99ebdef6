def dedupe() -> None:
    """Do it another way."""
    print("another way")
