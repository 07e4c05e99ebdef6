"""Copy-paste of objects between photos: Ghiasi et al., "Simple Copy-Paste" (2021); Dwibedi et al. (2017)."""

from typing import Any, NamedTuple

import torch
from recycle_coco import has_background

from recycle_kornia import CopyPasteOptions
from recycle_kornia.bank import Bank
from recycle_kornia.compose import ChosenObjects, composed, everywhere
from recycle_kornia.limits import refuse_reversed
from recycle_kornia.lsj import between, draw_scales, scaled
from recycle_kornia.objects import MAX_OBJECTS_PER_SAMPLE, objects_of
from recycle_kornia.place import Pictures, Placement, pictures_of
from recyclecli.types import IGNORE, AugmentationContext, Batch, RecycleError


class Pasted(NamedTuple):
    """What the last call pasted: (N, P) each.

    Attributes:
        kept: bool, whether the object is visible enough to be there.
        instance: its instance number in the batch that was returned.
        picture: the photo of the batch, or the entry of the bank, that it comes from.
        number: its instance number there.
    """

    kept: torch.Tensor
    instance: torch.Tensor
    picture: torch.Tensor
    number: torch.Tensor


class CopyPaste:
    """Pastes objects (instances, not label regions) from a bank, or from another photo of the batch.

    Objects are put in front of one another and of the photo, in the order drawn. Labels are exact:
    a pixel belongs to the object that it shows. An object of which less than `min_visible` is
    visible is not pasted; what is left of a photo's own object below that share is ignored (255),
    for it is neither the object nor what was behind it.

    Raises:
        RecycleError: a class is unknown, or no object can be pasted.
    """

    def __init__(self, options: CopyPasteOptions, context: AugmentationContext) -> None:
        self._options, self._names = options, context.class_names
        for low, high in (("lsj_min", "lsj_max"), ("min_objects", "max_objects"), ("min_area", "max_area")):
            refuse_reversed("copy-paste", options, low, high)
        if options.source == "bank" and not options.extract_patch:
            raise RecycleError("copy-paste: a bank holds single objects", "use source=batch to paste whole foregrounds")
        onto = () if options.onto in (("anywhere",), ("background",)) else options.onto
        wanted = self._labels((*options.patch, *options.remove_patch, *onto, *options.class_weights))
        ground = has_background(self._names)
        if options.onto == ("background",) and not ground:
            raise RecycleError("copy-paste: these photos have no background to paste onto", "name classes in onto")
        weights = [0.0 if ground and label == 0 else 1.0 for label in range(len(self._names))]
        if options.patch:
            weights = [
                weight if name in options.patch else 0.0 for weight, name in zip(weights, self._names, strict=True)
            ]
        weights = [
            weight * options.class_weights.get(name, 1.0) for weight, name in zip(weights, self._names, strict=True)
        ]
        self._bank = None
        if options.source == "bank":
            self._bank = Bank(context.source, weights, options)
        table = torch.zeros(4, IGNORE + 1)  # weight, whether wanted, whether its photos are left out, where to land
        table[0, : len(weights)] = torch.tensor(weights)
        table[1, [wanted[name] for name in options.patch]] = 1
        table[2, [wanted[name] for name in options.remove_patch]] = 1
        landing: dict[str, Any] = {"anywhere": slice(None), "background": [0]}
        table[3, landing.get(options.onto[0], [wanted[name] for name in onto])] = 1
        self._table = table
        self._ids = torch.zeros(0)
        self.pasted: Pasted | None = None

    def _labels(self, names: tuple[str, ...]) -> dict[str, int]:
        unknown = [name for name in names if name not in self._names]
        if unknown:
            raise RecycleError(
                f"copy-paste: no class is called {unknown[0]!r}", f"the classes are {', '.join(self._names)}"
            )
        return {name: self._names.index(name) for name in names}

    def __call__(self, batch: Batch) -> Batch:
        """The batch with objects pasted into some of its photos."""
        options, device = self._options, batch.image.device
        if not len(batch.ids):
            self.pasted = None
            return batch
        self._table = self._table.to(device)
        if self._bank is not None:
            pictures, chosen = self._from_bank(self._bank, batch)
        else:
            pictures, chosen = self._from_batch(batch)
        receive = torch.rand((len(batch.ids), 1), device=device) < options.p
        chosen = chosen._replace(active=chosen.active & receive)
        place = self._placed(chosen, batch)
        after, kept = composed(batch, pictures, chosen, place, self._table[3] > 0, options)
        number = batch.instances.amax((1, 2)).long()[:, None] + 1 + torch.arange(kept.shape[1], device=device)
        self._ids, self.pasted = batch.ids, Pasted(kept, number, chosen.picture, chosen.number)
        return after

    def origins(self) -> list[dict[int, tuple[int, int]]]:
        """For each photo of the last batch {instance: (index in the source, instance there)} of what was pasted."""
        if self.pasted is None:
            return []
        found: list[dict[int, tuple[int, int]]] = [{} for _ in self.pasted.kept]
        for photo, slot in self.pasted.kept.nonzero().tolist():
            instance, picture, number = (int(part[photo, slot]) for part in self.pasted[1:])
            if self._bank is not None:
                entry = self._bank.entries[picture]
                found[photo][instance] = entry.photo, entry.number
            else:
                found[photo][instance] = int(self._ids[picture]), number
        return found

    def _from_bank(self, bank: Bank, batch: Batch) -> tuple[Pictures, ChosenObjects]:
        """Objects of the bank."""
        count, device = len(batch.ids), batch.image.device
        pictures = bank.pictures(device, everywhere(batch, self._options))
        entry, (label, tall, wide, area, *photo) = bank.draw(count, self._options.max_objects)
        active = counted(self._options, count, entry.shape[1], device)
        zero, one = torch.zeros_like(entry), torch.ones_like(entry)
        boxes = (zero, zero, tall, wide, area, torch.stack(photo[:2]), torch.stack(photo[2:]))
        return pictures, ChosenObjects(active, entry, one, label, *boxes)

    def _from_batch(self, batch: Batch) -> tuple[Pictures, ChosenObjects]:
        """Objects of one other photo of the batch for each photo."""
        options, device = self._options, batch.image.device
        count, _, height, width = batch.image.shape
        found = objects_of(batch)
        there = found.area > 0
        weight, wanted, removed, _ = self._table[:, found.label.clamp(max=IGNORE)]
        left_out = (there & (removed > 0)).any(1, keepdim=True)
        if not options.extract_patch:
            shows = (there & (wanted > 0)).any(1, keepdim=True) if options.patch else there.any(1, keepdim=True)
            weight = shows.float().expand_as(weight)
        fits = there & (found.area >= options.min_area) & ~left_out
        if options.max_area is not None:
            fits &= found.area <= options.max_area
        shift = (torch.rand((), device=device) * (count - 1)).floor().long() + 1
        source = (torch.arange(count, device=device) + shift) % count
        usable = fits & (weight > 0) & (count > 1)
        luck = -torch.log(
            -torch.log(torch.rand_like(weight).clamp(1e-12, 1 - 1e-7))
        )  # Gumbel: a draw without putting back
        score = torch.where(usable, weight.clamp(min=1e-12).log() + luck, -torch.inf)[source]
        score, number = score.topk(min(options.max_objects, MAX_OBJECTS_PER_SAMPLE), 1)
        active = score > -torch.inf
        if options.extract_patch:
            active &= counted(options, count, score.shape[1], device)
        top, left, tall, wide = (part[source].gather(1, number) for part in found[2:])
        label, area = (part[source].gather(1, number) for part in (found.label, found.area))
        picture = source[:, None].expand_as(number)
        sides = torch.stack([torch.full_like(number, height), torch.full_like(number, width)])
        later = not everywhere(batch, options)
        pictures = pictures_of(batch.image, batch.instances, smallest_scale(options), later)
        boxes = (top, left, tall, wide, area, sides, torch.stack([top, left]))
        return pictures, ChosenObjects(active, picture, number, label, *boxes)

    def _placed(self, chosen: ChosenObjects, batch: Batch) -> Placement:
        """Where the objects come to lie, at which scale and how turned."""
        options, device = self._options, batch.image.device
        count, slots = chosen.active.shape
        height, width = batch.image.shape[-2:]
        together = (count, 1) if options.place == "same" else (count, slots)  # one scale for all that keep their places
        scale = torch.ones(together, device=device).expand(count, slots)
        if options.lsj:
            scale = draw_scales(together, options.lsj_min, options.lsj_max, device).expand(count, slots)
        if options.shrink_above is not None:
            smaller = draw_scales((count, slots), 0.5, 1.0, device)
            scale = torch.where(chosen.area > options.shrink_above, scale * smaller, scale)
        if options.grow_below is not None:
            larger = draw_scales((count, slots), 1.0, 2.0, device)
            scale = torch.where(chosen.area < options.grow_below, scale * larger, scale)
        scale = scale * max(height, width) / chosen.sides.amax(0)  # photos are fitted into the frame
        rows, columns = scaled(chosen.height, scale), scaled(chosen.width, scale)
        chance = torch.rand((4, count, slots), device=device)
        limits = (options.turn, options.vflip, options.hflip)
        transposed, upside, mirrored = (part < limit for part, limit in zip(chance[:3], limits, strict=True))
        upside = upside ^ (transposed & (chance[3] < 0.5))  # with the transposition: a quarter to the left or right
        mirrored = mirrored ^ (transposed & (chance[3] >= 0.5))
        sides = torch.where(transposed, columns, rows), torch.where(transposed, rows, columns)
        if options.place == "same":
            luck = torch.rand((2, count, 1), device=device)
            frames = scaled(chosen.sides, scale)
            spare = torch.stack([height - frames[0], width - frames[1]])
            y, x = between(spare, luck) + (chosen.frame * scale).round().long()
        else:
            spare = torch.stack([height - sides[0], width - sides[1]])
            y, x = between(spare, torch.rand((2, count, slots), device=device))
        box = (chosen.picture, chosen.top, chosen.left, chosen.height, chosen.width)
        return Placement(*box, rows, columns, y, x, transposed, upside, mirrored)


def counted(options: CopyPasteOptions, count: int, slots: int, device: torch.device) -> torch.Tensor:
    """(count, slots) bool: as many of the slots as each photo is to receive, uniform between the two numbers."""
    span = options.max_objects - options.min_objects + 1
    wanted = (torch.rand((count, 1), device=device) * span).floor() + options.min_objects
    return torch.arange(slots, device=device) < wanted


def smallest_scale(options: CopyPasteOptions) -> float:
    """The smallest scale that an object may get."""
    return (options.lsj_min if options.lsj else 1.0) * (0.5 if options.shrink_above is not None else 1.0)
