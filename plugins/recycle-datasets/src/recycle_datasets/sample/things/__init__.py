"""The things, by material: what a person would name at a glance.

Every drawing takes a random generator and returns a `Sketch`. Colours come from one common
range for all materials, so that a pixel's colour does not tell its class.
"""

from collections.abc import Callable

import numpy as np

from recycle_datasets.sample.drawing import Sketch
from recycle_datasets.sample.things.hard import (
    battery,
    block_battery,
    drink_can,
    glass_bottle,
    jar,
    pet_bottle,
    plastic_tub,
    tin,
)
from recycle_datasets.sample.things.paper import cardboard_box, milk_carton, newspaper, paper_ball, paper_cup
from recycle_datasets.sample.things.soft import (
    bin_bag,
    foam_block,
    foam_tray,
    mask,
    plastic_bag,
    shirt,
    toothbrush,
    wrapper,
)

Drawing = Callable[[np.random.Generator], Sketch]

DRAWN_THINGS: dict[str, tuple[tuple[Drawing, float], ...]] = {
    "General trash": ((toothbrush, 0.5), (wrapper, 0.55), (mask, 0.55)),
    "Paper": ((newspaper, 0.95), (cardboard_box, 0.85), (paper_ball, 0.5)),
    "Paper pack": ((milk_carton, 0.75), (paper_cup, 0.6)),
    "Metal": ((drink_can, 0.55), (tin, 0.55)),
    "Glass": ((jar, 0.65), (glass_bottle, 0.85)),
    "Plastic": ((pet_bottle, 0.8), (plastic_tub, 0.55)),
    "Styrofoam": ((foam_tray, 0.75), (foam_block, 0.8)),
    "Plastic bag": ((plastic_bag, 1.0), (bin_bag, 1.0)),
    "Battery": ((battery, 0.38), (block_battery, 0.38)),
    "Clothing": ((shirt, 1.1),),
}
"""Material to its drawings, each with its size relative to the others."""
