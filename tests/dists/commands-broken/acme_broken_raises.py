raise RuntimeError("no bucket is set")
