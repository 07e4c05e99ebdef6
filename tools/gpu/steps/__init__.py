"""The steps of the check, a module each: `python -m gpu.steps.speed`, with what `gpu.check` sets in the environment."""
