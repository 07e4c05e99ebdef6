"""A stranger's augmentations: one that may be used offline, one that pastes and does not tell from where."""

from typing import Literal

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import IGNORE, AugmentationComponent, Options


class RainOptions(Options):
    drops: int = Field(..., ge=1, description="how many")
    seed: Literal["small", "large"] = Field("small", description="an option that is called as a flag of ours")
    shades: tuple[float, ...] = Field((0.5,), description="of grey, one after another")
    ignored: bool = Field(False, description="labels under drops become 255")
    per_class: dict[str, float] = Field({}, description="more drops for photos of a class")


class NoOptions(Options):
    pass


class Rain:
    def __init__(self, options, context):
        self.options = options

    def __call__(self, batch):
        import torch

        image, mask, instances = batch.image.clone(), batch.mask.clone(), batch.instances.clone()
        side = 2 if self.options.seed == "small" else 6
        for number in range(self.options.drops):
            y, x = (int(torch.randint(0, length - side, ())) for length in image.shape[-2:])
            window = ..., slice(y, y + side), slice(x, x + side)
            image[window] = self.options.shades[number % len(self.options.shades)]
            if self.options.ignored:
                mask[window], instances[window] = IGNORE, 0
        image[..., 0, 0] = len(batch.ids) / 255
        return batch._replace(image=image, mask=mask, instances=instances)


class Thief:
    def __init__(self, options, context):
        self.source = context.source

    def __call__(self, batch):
        import torch

        image = torch.from_numpy(self.source.read(0).image).permute(2, 0, 1) / 255
        return batch._replace(image=image.expand_as(batch.image).clone())


@hookimpl
def recycle_augmentations():
    yield AugmentationComponent("rain", "acme_rain:Rain", RainOptions, "Drops on the lens", offline={"ignored": True})
    yield AugmentationComponent("thief", "acme_rain:Thief", NoOptions, "Shows another photo", offline={})
