"""What fits into a time: the arithmetic of a training by the clock."""

import math

import pytest
from recycle_data.resolve import resolve
from recycle_engine.training.time_plan import (
    MOST_MINUTES,
    Deadline,
    Speed,
    deadline_in,
    epochs_of,
    given_keys,
    largest_size,
    refuse_bad_steps,
    schedule_steps,
    seconds_of,
    sizes_up_to,
    speed_at,
    steps_within,
    too_short,
)

from recyclecli.errors import RecycleError


def in_proportion(size):
    """A speed at which all of the time goes by the pixels."""
    return Speed((size / 64) ** 2, 5 * (size / 64) ** 2)


@pytest.mark.parametrize("minutes", [0, -1, math.nan, math.inf, -math.inf, 1e9])
def test_what_is_no_time_is_refused(minutes):
    with pytest.raises(RecycleError, match="--minutes") as caught:
        deadline_in(minutes)
    assert caught.value.remedy == "--minutes 30"


def test_time_that_was_spent_before_counts():
    clock = iter((100, 130, 190))
    deadline = Deadline(100, before=20, now=lambda: next(clock))
    assert deadline.left == 50
    assert deadline.spent == 110


@pytest.mark.parametrize("speed", [Speed(1, 0), Speed(1, 5), Speed(0.25, 0.1), Speed(2, 30)])
@pytest.mark.parametrize("per_epoch", [1, 7, 45])
@pytest.mark.parametrize("done", [0, 3, 45, 50])
def test_no_more_steps_than_end_in_time_and_one_more_would_not(speed, per_epoch, done):
    def takes(steps):
        """Seconds from `done` steps on, the whole epochs among them validated."""
        return seconds_of(steps, speed, per_epoch) - done * speed.step - done // per_epoch * speed.epoch

    for seconds in (5, 60, 333.3):
        steps = steps_within(seconds, speed, per_epoch, done)
        assert steps >= done
        if steps > done:
            assert takes(steps) <= seconds + 1e-9
        assert takes(steps + 1) > seconds - 1e-9


def test_a_recipe_may_hold_as_many_epochs_as_fit_into_the_longest_time(registry):
    steps = steps_within(MOST_MINUTES * 60, Speed(1e-3, 1e-3), 2)
    resolve(registry, None, {"train.epochs": epochs_of(steps, 2), "train.steps": [[0, steps]]})


class TestSchedule:
    def test_one_plan_is_a_step_each(self):
        assert [schedule_steps(((0, 50),), step) for step in range(51)] == [*range(51)]

    @pytest.mark.parametrize("later", [(40, 55), (40, 41), (40, 1000), (1, 2), (99, 100)])
    def test_a_later_plan_ends_where_the_schedule_does(self, later):
        planned = ((0, 100), later)
        made = [schedule_steps(planned, step) for step in range(later[1] + 1)]
        assert made[: later[0] + 1] == [*range(later[0] + 1)]
        assert made[-1] == 100
        assert made == sorted(made)
        grown = [after - before for before, after in zip(made[later[0] :], made[later[0] + 1 :], strict=False)]
        assert max(grown) - min(grown) <= 1  # evenly

    def test_many_plans(self):
        planned = ((0, 100), (10, 200), (60, 80), (70, 75))
        made = [schedule_steps(planned, step) for step in range(76)]
        assert made == sorted(made)
        assert made[-1] == 100

    @pytest.mark.parametrize(
        "planned", [((1, 5),), ((0, 0),), ((0, 5), (0, 6)), ((0, 5), (4, 4)), ((0, 9), (5, 9), (3, 9)), ((-1, 4),)]
    )
    def test_plans_that_are_none_are_refused(self, planned):
        with pytest.raises(RecycleError, match=r"train\.steps"):
            refuse_bad_steps(planned)


class TestSize:
    @pytest.mark.parametrize(
        ("longest", "sizes"),
        [
            (20, [32]),
            (32, [32]),
            (70, [64]),
            (130, [64, 96, 128]),
            (512, list(range(64, 513, 32))),
            (9000, list(range(64, 1025, 32))),
        ],
    )
    def test_multiples_of_32_up_to_the_photos(self, longest, sizes):
        assert list(sizes_up_to(longest)) == sizes

    def test_the_largest_that_is_trained_for_long_enough(self):
        sizes, measured = sizes_up_to(512), [(128, in_proportion(128))]
        found = [largest_size(sizes, measured, seconds, 45, None) for seconds in (10, 100, 1000, 3000, 10_000, 10**6)]
        assert found == [64, 64, 192, 320, 512, 512]
        for size, seconds in zip(found[2:5], (1000, 3000, 10_000), strict=True):
            assert seconds_of(90, in_proportion(size), 45) <= seconds

    def test_small_sets_make_as_many_steps_and_large_ones_a_pass(self):
        sizes, measured = sizes_up_to(512), [(64, Speed(1, 0))]
        assert largest_size(sizes, measured, 4 * 90, 4, None) == 128  # 22 passes
        assert largest_size(sizes, measured, 4 * 1200, 600, None) == 128  # more than a pass, of many steps
        assert largest_size(sizes, measured, 4 * 3000, 3000, None) == 128  # one pass

    def test_given_epochs_decide_alone(self):
        sizes, measured = sizes_up_to(512), [(64, Speed(1, 0))]
        assert largest_size(sizes, measured, 4 * 45, 45, 1) == 128
        assert largest_size(sizes, measured, 4 * 45, 45, 4) == 64

    def test_between_two_that_were_measured_lies_a_line(self):
        measured = [(128, Speed(3, 1)), (256, Speed(9, 4))]
        assert speed_at(128, measured) == (3, 1)
        assert speed_at(256, measured) == (9, 4)
        assert speed_at(192, measured).step == pytest.approx(3 + 6 * (192**2 - 128**2) / (256**2 - 128**2))
        assert all(value > 0 for value in speed_at(32, [(128, Speed(1, 1)), (256, Speed(9, 9))]))


def test_the_least_that_works_works():
    error = too_short(1, 12.0, 40.0, 0.5)
    assert "40.0 seconds" in error.args[0]
    least = float(error.remedy.split()[1])
    assert least * 60 - (30 - 12) >= 40  # what the start has taken is taken again


@pytest.mark.parametrize(
    ("settings", "overrides", "said"),
    [
        ({"data.size": 64, "train.epochs": 3}, (), "nothing to choose"),
        ({"train.epochs": 3}, ("data.size=64",), "nothing to choose"),
        ({"train.steps": [[0, 400]]}, (), "train.steps"),
        ({}, ("train.steps=[[0,400]]",), "train.steps"),
        ({"train.swa": 0.5, "train.ema": 0}, (), "train.swa"),
    ],
)
def test_what_leaves_nothing_to_choose_is_refused(registry, settings, overrides, said):
    with pytest.raises(RecycleError, match=said):
        given_keys(settings, overrides, resolve(registry, None, settings, overrides))


def test_keys_of_flags_and_overrides_are_kept(registry):
    recipe = resolve(registry)
    assert given_keys({"data.size": 64}, ["train.batch_size = 4"], recipe) == {"data.size", "train.batch_size"}
