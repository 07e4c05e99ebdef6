"""Counts of things in messages, of one too."""

import pytest

from recyclecli.errors import counted


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "photo", "1 photo"),
        (0, "photo", "0 photos"),
        (2500, "class", "2,500 classes"),
        (1, "class", "1 class"),
        (2, "epoch", "2 epochs"),
        (2, "batch", "2 batches"),
    ],
)
def test_one_is_singular(count, noun, text):
    assert counted(count, noun) == text
