"""The `sample` dataset: photos of waste, drawn from a seed, byte for byte the same each time."""

from recycle_datasets.sample.source import SampleSource

__all__ = ["SampleSource"]
