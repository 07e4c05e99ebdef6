"""Copy-paste: every pasted pixel is its object's, every other one is untouched."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from recycle_kit.testing import CLASSES, AugmentationConformance, MemorySource, random_batch, random_source
from recycle_kornia import CopyPasteOptions, LsjOptions, compose, copy_paste
from recycle_kornia.copy_paste import CopyPaste
from recycle_kornia.lsj import Lsj
from recycle_kornia.objects import objects_of, scattered

from recyclecli.types import IGNORE, AugmentationContext, RecycleError, Sample

CONTEXT = AugmentationContext(CLASSES, random_source())
PLAIN = {"p": 1, "min_area": 1, "hflip": 0, "source": "batch", "min_visible": 0}


class TestCopyPaste(AugmentationConformance):
    name = "copy-paste"


class TestFromBatch(AugmentationConformance):
    name = "copy-paste"
    options = {"source": "batch", "p": 1, "lsj": True, "turn": 0.5, "vflip": 0.5, "min_area": 1}


def pasting(photos=CONTEXT.source, /, **options):
    return CopyPaste(CopyPasteOptions(**{**PLAIN, **options}), AugmentationContext(CLASSES, photos))


def scene(seed, count=3, height=40, width=48, objects=4):
    """Photos whose objects are blobs of any form, one behind another, with an ignored corner."""
    chance = np.random.default_rng(seed)
    batch = random_batch(count, height, width, seed)
    mask, instances = torch.zeros_like(batch.mask), torch.zeros_like(batch.instances)
    rows, columns = np.mgrid[:height, :width]
    for photo in range(count):
        for number in range(1, chance.integers(1, objects + 1) + 1):
            y, x = chance.integers(0, height), chance.integers(0, width)
            tall, wide = chance.integers(2, 20, 2)
            blob = torch.from_numpy(((rows - y) / tall) ** 2 + ((columns - x) / wide) ** 2 < 1)
            mask[photo][blob], instances[photo][blob] = int(chance.integers(1, len(CLASSES))), number
    mask[:, -5:, -5:], instances[:, -5:, -5:] = IGNORE, 0
    return batch._replace(mask=mask, instances=instances)


def labels_by_instance(batch, photo):
    """Instance number to the set of its labels."""
    numbers = batch.instances[photo].unique().tolist()
    return {number: set(batch.mask[photo][batch.instances[photo] == number].tolist()) for number in numbers if number}


def in_scenes(few, many, **chosen):
    """Decorates a test of random scenes: a few of them quickly, many when there is time."""

    def decorate(check):
        @pytest.mark.parametrize("number", [few, pytest.param(many, marks=pytest.mark.slow("many random scenes"))])
        def test(number):
            settings(max_examples=number, deadline=None)(given(seed=st.integers(0, 10**6), **chosen)(check))()

        return test

    return decorate


SOURCES = st.sampled_from(["batch", "bank"])
VISIBLE = st.sampled_from([0.0, 0.3, 0.9])
ONTO = st.sampled_from([("anywhere",), ("background",), ("Background", "Paper")])


@in_scenes(
    40,
    150,
    source=SOURCES,
    lsj=st.booleans(),
    turn=st.sampled_from([0.0, 1.0]),
    min_visible=VISIBLE,
    onto=ONTO,
    place=st.sampled_from(["random", "same"]),
)
def test_exact(seed, source, lsj, turn, min_visible, onto, place):
    """Each pixel is the photo's own, untouched; or a pasted object's, with its label; or ignored remains."""
    batch = scene(seed)
    photos = [
        Sample((image.permute(1, 2, 0) * 255).byte().numpy(), mask.byte().numpy(), instances.numpy())
        for image, mask, instances in zip(*batch[:3], strict=True)
    ]
    paste = pasting(
        MemorySource(photos),
        source=source,
        lsj=lsj,
        turn=turn,
        vflip=turn,
        min_visible=min_visible,
        onto=onto,
        place=place,
    )
    torch.manual_seed(seed)
    after = paste(batch)
    allowed = [0] if onto == ("background",) else [0, 1] if len(onto) > 1 else list(range(256))
    for photo in range(len(batch.ids)):
        old, new = batch.instances[photo], after.instances[photo]
        first = int(old.max())
        added = new > first
        remains = (after.mask[photo] == IGNORE) & (batch.mask[photo] != IGNORE)
        same = ~added & ~remains
        assert torch.equal(after.image[photo][:, ~added], batch.image[photo][:, ~added])
        assert torch.equal(after.mask[photo][same], batch.mask[photo][same])
        assert torch.equal(new[same], old[same])
        assert (new[remains] == 0).all()
        assert set(batch.mask[photo][added].tolist()) <= set(allowed)
        kept = {int(n): slot for slot, n in enumerate(paste.pasted.instance[photo]) if paste.pasted.kept[photo, slot]}
        assert set(new[added].unique().tolist()) == set(kept)
        for number, labels in labels_by_instance(after, photo).items():
            assert len(labels) == 1
            if number in kept and source == "batch":
                origin = int(paste.pasted.picture[photo, kept[number]]), int(paste.pasted.number[photo, kept[number]])
                assert origin[0] != photo
                assert labels == set(batch.mask[origin[0]][batch.instances[origin[0]] == origin[1]].tolist())
        for number in set(old.unique().tolist()) - {0}:
            before, now = (old == number).sum(), (new == number).sum()
            assert now == 0 or now >= min_visible * before  # what is seen less of is gone


def test_without_scaling_the_pixels_are_the_objects_own():
    batch = scene(3)
    paste = pasting(max_objects=3)
    torch.manual_seed(0)
    after = paste(batch)
    assert paste.pasted.kept.any()
    for photo, slot in paste.pasted.kept.nonzero().tolist():
        shown = after.instances[photo] == paste.pasted.instance[photo, slot]
        source, number = int(paste.pasted.picture[photo, slot]), int(paste.pasted.number[photo, slot])
        colors = {tuple(pixel) for pixel in batch.image[source][:, batch.instances[source] == number].T.tolist()}
        assert {tuple(pixel) for pixel in after.image[photo][:, shown].T.tolist()} <= colors


def test_same_place_is_the_same_place():
    batch = scene(5)
    paste = pasting(place="same", max_objects=8, min_objects=8)
    torch.manual_seed(0)
    after = paste(batch)
    for photo, slot in paste.pasted.kept.nonzero().tolist():
        shown = after.instances[photo] == paste.pasted.instance[photo, slot]
        source, number = int(paste.pasted.picture[photo, slot]), int(paste.pasted.number[photo, slot])
        assert (batch.instances[source][shown] == number).all()
        assert torch.equal(after.image[photo][:, shown], batch.image[source][:, shown])


@pytest.mark.parametrize("name", ["hflip", "vflip", "turn"])
def test_turned_objects(name):
    """An F on the canvas comes out as one of the forms that it may be turned into."""
    letter = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])
    batch = random_batch(2, 32, 32)
    mask, instances = torch.zeros_like(batch.mask), torch.zeros_like(batch.instances)
    mask[0, 10:15, 10:13], instances[0, 10:15, 10:13] = letter * 2, letter.int()
    after = pasting(**{name: 1})(batch._replace(mask=mask, instances=instances))
    rows, columns = (after.instances[1] > 0).nonzero().T
    found = (after.instances[1] > 0)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].long()
    forms = {"hflip": [letter.flip(1)], "vflip": [letter.flip(0)], "turn": [letter.rot90(k) for k in (1, 3)]}[name]
    assert any(torch.equal(found, form) for form in forms)


def test_patch_remove_patch_and_areas():
    batch = scene(1, 6, objects=6)
    after = pasting(patch=("Paper",), max_objects=8)(batch)
    assert set(after.mask[after.instances > batch.instances.amax((1, 2))[:, None, None]].tolist()) <= {1}
    shows = [(batch.mask[photo] == 2).any().item() for photo in range(6)]
    paste = pasting(remove_patch=("Metal",), max_objects=8)
    paste(batch)
    taken = paste.pasted.picture[paste.pasted.kept].tolist()
    assert not [photo for photo in taken if shows[photo]]
    paste = pasting(max_area=60, max_objects=8)
    paste(batch)
    for photo, number in zip(
        paste.pasted.picture[paste.pasted.kept], paste.pasted.number[paste.pasted.kept], strict=True
    ):
        assert (batch.instances[photo] == number).sum() <= 60


def test_whole_foreground_without_extract_patch():
    """All objects of a photo that shows the class come along, and none of one that does not."""
    batch = scene(2, 2, objects=5)
    mask = torch.where(batch.mask == 1, 2, batch.mask)
    first = batch.instances[0].unique()[-1]
    mask[0][batch.instances[0] == first] = 1
    batch = batch._replace(mask=mask)
    paste = pasting(patch=("Paper",), extract_patch=False, max_objects=8, place="same")
    paste(batch)
    assert set(paste.pasted.picture[paste.pasted.kept].tolist()) == {0}
    wanted = set(batch.instances[0].unique().tolist()) - {0}
    assert set(paste.pasted.number[1][paste.pasted.kept[1]].tolist()) == wanted


def test_weights_decide():
    batch = scene(4, 8, objects=4)
    paste = pasting(class_weights={"Glass": 10**9}, max_objects=1)
    glass = [(batch.mask[photo] == 3).any().item() for photo in range(8)]
    paste(batch)
    for photo in range(8):
        source = int(paste.pasted.picture[photo, 0])
        if glass[source] and paste.pasted.kept[photo, 0]:
            number = paste.pasted.number[photo, 0]
            assert (batch.mask[source][batch.instances[source] == number] == 3).all()


def test_rare_classes_come_as_often_as_frequent_ones_from_a_bank():
    photos = []
    for number in range(40):
        mask = np.zeros((32, 32), np.uint8)
        mask[4:20, 4:20] = 1 if number else 4  # one of forty is Plastic
        photos.append(Sample(np.zeros((32, 32, 3), np.uint8), mask, (mask > 0).astype(np.int32)))
    shares = {}
    for rarity in (0.0, 1.0):
        paste = pasting(MemorySource(photos), source="bank", rarity=rarity, max_objects=1, min_objects=1, per_class=10)
        drawn = torch.cat([paste._bank.draw(50, 1)[1][0] for _ in range(40)])
        shares[rarity] = (drawn == 4).float().mean().item()
    assert shares[0.0] == pytest.approx(1 / 40, abs=0.02)
    assert shares[1.0] == pytest.approx(1 / 2, abs=0.05)


def test_a_bank_object_has_the_size_that_it_has_in_its_photo():
    """A photo of 64 pixels that is trained at 32: its objects become half as large, too."""
    mask = np.zeros((64, 64), np.uint8)
    mask[10:30, 20:40] = 2
    source = MemorySource([Sample(np.full((64, 64, 3), 200, np.uint8), mask, (mask > 0).astype(np.int32))])
    batch = random_batch(4, 32, 32)
    after = pasting(source, source="bank", max_objects=1, min_objects=1)(batch)
    first = batch.instances.amax((1, 2))
    for photo in range(4):
        shown = after.instances[photo] > first[photo]
        assert shown.sum() == 100
        assert torch.allclose(after.image[photo][:, shown], torch.tensor(200 / 255), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": ("Wood",)}, "no class is called 'Wood'"),
        ({"onto": ("sky",)}, "no class is called 'sky'"),
        ({"class_weights": {"Wood": 2}}, "no class is called 'Wood'"),
        ({"lsj_min": 3}, "lsj_min 3.0 is above lsj_max 2.0"),
        ({"min_objects": 9}, "min_objects 9 is above max_objects 6"),
        ({"source": "bank", "patch": ("Plastic",)}, "none of 4 training photos shows an object of Plastic"),
        ({"source": "bank", "min_area": 10**6}, "none of 4 training photos shows"),
        ({"source": "bank", "extract_patch": False}, "a bank holds single objects"),
    ],
)
def test_what_cannot_be_is_said(options, message):
    with pytest.raises(RecycleError, match=message):
        pasting(**options)


def test_without_a_background_there_is_none_to_paste_onto():
    sky = AugmentationContext(("Sky", *CLASSES[1:]), CONTEXT.source)
    with pytest.raises(RecycleError, match="no background to paste onto"):
        CopyPaste(CopyPasteOptions(**PLAIN, onto=("background",)), sky)


def test_a_single_photo_and_photos_without_objects_stay_as_they_are():
    single = scene(0, 1)
    empty = scene(0, 3)
    empty = empty._replace(mask=torch.zeros_like(empty.mask), instances=torch.zeros_like(empty.instances))
    for batch in (single, empty):
        for before, now in zip(batch, pasting()(batch), strict=True):
            assert torch.equal(before, now)


@pytest.mark.parametrize("options", [{}, {"source": "bank"}, {"lsj": True, "soft_edge": 1.0}])
def test_a_batch_of_no_photos_stays_one(options):
    empty = type(scene(0))(*(part[:0] for part in scene(0)))
    paste = pasting(**options)
    for one in (paste(empty), Lsj(LsjOptions(), CONTEXT)(empty)):
        assert [part.shape for part in one] == [part.shape for part in empty]
    assert paste.origins() == []


def test_objects_larger_than_the_canvas():
    after = pasting(lsj=True, lsj_min=8, lsj_max=9, place="random")(scene(6))
    assert set(after.mask.unique().tolist()) <= {*range(len(CLASSES)), IGNORE}


def test_half_precision_images_do_not_touch_labels():
    batch = scene(7)
    found = []
    for dtype in (torch.float32, torch.float16):
        torch.manual_seed(1)
        found.append(pasting(lsj=True)(batch._replace(image=batch.image.to(dtype))))
    assert found[1].image.dtype == torch.float16
    assert torch.equal(found[0].mask, found[1].mask)
    assert torch.equal(found[0].instances, found[1].instances)


def test_soft_edges_blend_colours_and_leave_labels():
    batch = scene(8)
    found = []
    for soft in (0.0, 1.5):
        torch.manual_seed(2)
        found.append(pasting(soft_edge=soft)(batch))
    assert torch.equal(found[0].mask, found[1].mask)
    changed = (found[0].image != found[1].image).any(1)
    assert changed.any()
    assert (found[0].instances[changed] > batch.instances.amax((1, 2)).max()).any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_objects_are_found_alike_on_both_ways(seed):
    batch = scene(seed, 2, 24, 30, 6)
    one, other = objects_of(batch), scattered(batch)
    there = one.area > 0
    assert torch.equal(one.area, other.area)
    for first, second in zip(one[1:], other[1:], strict=True):
        assert torch.equal(first[there], second[there])


@in_scenes(30, 100, source=SOURCES, lsj=st.booleans(), turn=st.sampled_from([0.0, 0.5]), min_visible=VISIBLE, onto=ONTO)
def test_both_ways_of_the_devices_give_the_same(seed, source, lsj, turn, min_visible, onto):
    """What runs on a GPU, run here."""
    batch = scene(seed)
    paste = pasting(source=source, lsj=lsj, turn=turn, min_visible=min_visible, onto=onto, max_objects=5)
    found = []
    for gpu in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            if gpu:
                for module in (compose, copy_paste):
                    patch.setattr(module, "everywhere", lambda batch, options: True)
                patch.setattr(copy_paste, "objects_of", scattered)
            torch.manual_seed(seed)
            found.append((*paste(batch), paste.pasted.kept))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-6)
    for one, other in zip(found[0][1:], found[1][1:], strict=True):
        assert torch.equal(one, other)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
class TestOnTheDevice:
    def test_nothing_waits_for_the_device(self):
        batch = type(scene(0))(*(part.cuda() for part in scene(0)))
        for options in ({"source": "batch", "lsj": True}, {"source": "bank", "lsj": True, "soft_edge": 1.0}):
            paste = pasting(**options)
            paste(batch)  # moves its tables there
            torch.cuda.synchronize()
            torch.cuda.set_sync_debug_mode("error")
            try:
                paste(batch)
            finally:
                torch.cuda.set_sync_debug_mode("default")

    def test_labels_are_the_same_as_on_the_cpu(self, monkeypatch):
        """With the same chances drawn on the CPU for both."""
        draw, scenes = torch.rand, [scene(seed) for seed in range(20)]
        for seed, batch in enumerate(scenes):
            found = []
            for device in ("cpu", "cuda"):
                generator = torch.Generator().manual_seed(seed)
                chances = lambda shape, device=None, generator=generator: draw(shape, generator=generator).to(device)  # noqa: E731
                monkeypatch.setattr(torch, "rand", chances)
                monkeypatch.setattr(torch, "rand_like", lambda other: torch.rand(other.shape, device=other.device))
                paste = pasting(lsj=True, turn=0.5)
                found.append(paste(type(batch)(*(part.to(device) for part in batch))))
            assert torch.equal(found[0].mask, found[1].mask.cpu())
            assert torch.equal(found[0].instances, found[1].instances.cpu())
            assert torch.allclose(found[0].image, found[1].image.cpu(), atol=1e-5)
