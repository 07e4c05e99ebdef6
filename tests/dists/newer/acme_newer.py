raise RuntimeError("it needs another recyclecli")
