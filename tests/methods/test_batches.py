"""What plain fine-tuning trains on: every example of every language once an epoch, one batch a step."""

from __future__ import annotations

from collections import Counter

import pytest

from isogloss.keys import Key
from isogloss.methods.base import Length
from isogloss.methods.batches import PooledSchedule
from methods.samples import bags, digest

KEY = Key(seed=5, phase="1.rates")


def schedule(length: tuple[str, float], **sizes: int) -> PooledSchedule:
    return PooledSchedule(bags(**sizes), batch_size=4, length=Length(*length), key=KEY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("length", "steps"), [(("epochs", 2), 16), (("steps", 5), 5), (("examples", 21), 6), (("examples", 61), 17)]
)
def test_length_of_fine_tuning(length: tuple[str, float], steps: int) -> None:
    assert schedule(length, en=17, el=13).steps == steps


def test_every_example_comes_once_an_epoch_and_is_counted() -> None:
    made = schedule(("epochs", 2), en=17, el=13)
    seen = Counter(name for step in range(made.steps) for name in made[step][0].query[0].ids)
    assert set(seen.values()) == {2}
    assert len(seen) == 30
    assert all(made.examples(step) == len(made[step][0].query[0]) for step in range(made.steps))


def test_the_draws_of_phases_in_stores_stay_as_they_are() -> None:
    """Another digest is another run for the same key: then `version` of fine-tuning has to go up."""
    assert digest(schedule(("epochs", 2), en=17, el=13, ur=9)) == "63b34b76ba274664"
