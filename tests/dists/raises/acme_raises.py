raise RuntimeError("out of cheese")
