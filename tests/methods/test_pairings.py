"""Which examples an episode holds: nothing of the surprise language in support, all others once a round."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from isogloss.data.bag import Bag
from isogloss.errors import Mistakes
from isogloss.keys import Key
from isogloss.methods.base import Length
from isogloss.methods.pairings.joint import JointSchedule
from isogloss.methods.pairings.pooled import PooledSchedule
from isogloss.methods.pairings.surprise import SurpriseSchedule
from learner import tiny

KEY = Key(seed=5, phase="1.rates")


def bags(**sizes: int) -> dict[str, Bag]:
    """Bags whose ids say their language."""
    made = {}
    for number, (language, size) in enumerate(sizes.items()):
        lengths = tuple(int(n) for n in np.random.default_rng(number).integers(3, 12, size))
        bag = tiny.bag(lengths, seed=number)
        columns = replace(bag.columns, ids=np.array([f"{language}{i}" for i in range(size)]))
        made[language] = replace(bag, language=language, columns=columns)
    return made


def surprise(sizes: dict[str, int], **settings: int) -> SurpriseSchedule:
    given = {"batch_size": 4, "rounds": 12, "window": 3, "query_examples": 0}
    return SurpriseSchedule(bags(**sizes), **{**given, **settings}, key=KEY)  # type: ignore[arg-type]


@pytest.mark.parametrize("query_examples", [0, 5, 1000])
def test_the_surprise_language_is_never_in_support_and_alone_in_query(query_examples: int) -> None:
    schedule = surprise({"en": 17, "el": 13, "ur": 9}, query_examples=query_examples)
    met = set()
    for step in range(schedule.steps):
        episode = schedule[step]
        held_out = episode.extra["surprise"]
        met.add(held_out)
        assert all(held_out not in batch.languages for batch in episode.support)
        assert {language for batch in episode.query for language in batch.languages} == {held_out}
    assert met == {"en", "el", "ur"}


def test_a_round_sees_every_example_of_the_other_languages_once() -> None:
    sizes = {"en": 17, "el": 13, "ur": 9}
    schedule = surprise(sizes)
    seen: dict[int, Counter[str]] = {}
    for step in range(schedule.steps):
        episode = schedule[step]
        counter = seen.setdefault(episode.extra["round"], Counter())
        counter.update(name for batch in episode.support for name in batch.ids)
        assert episode.extra["round_begins"] == (episode.extra["step"] == 0)
    assert len(seen) == 12
    for round_, counter in seen.items():
        held_out = schedule.surprises[round_]
        assert set(counter.values()) == {1}
        assert len(counter) == sum(size for language, size in sizes.items() if language != held_out)


def test_windows_have_their_length_and_the_last_of_a_round_what_is_left() -> None:
    schedule = surprise({"en": 20, "el": 20}, window=3)  # 5 batches a round
    assert [len(schedule[step].support) for step in range(4)] == [3, 2, 3, 2]
    assert all(schedule[step].extra["steps"] == 5 for step in range(4))


def test_query_is_a_fresh_sample_each_meta_step() -> None:
    schedule = surprise({"en": 40, "el": 40}, query_examples=10)
    samples = [tuple(sorted(n for batch in schedule[step].query for n in batch.ids)) for step in range(6)]
    assert all(len(set(sample)) == 10 for sample in samples)
    assert len(set(samples)) == 6


def test_an_episode_is_a_function_of_the_step_alone() -> None:
    forwards, backwards = surprise({"en": 17, "el": 13}), surprise({"en": 17, "el": 13})
    for step in reversed(range(forwards.steps)):
        backwards[step]
    for step in range(forwards.steps):
        one, other = forwards[step], backwards[step]
        assert [b.ids for b in (*one.support, *one.query)] == [b.ids for b in (*other.support, *other.query)]


@pytest.mark.parametrize("query_examples", [0, 5])
def test_examples_are_counted_as_they_are_drawn(query_examples: int) -> None:
    data = bags(en=17, el=13, ur=9)
    schedules = [
        surprise({"en": 17, "el": 13, "ur": 9}, query_examples=query_examples),
        JointSchedule(data, batch_size=4, rounds=2, window=3, query_examples=query_examples, key=KEY),
        PooledSchedule(data, batch_size=4, length=Length("epochs", 2), key=KEY),
    ]
    for schedule in schedules:
        for step in range(schedule.steps):
            episode = schedule[step]
            assert schedule.examples(step) == sum(len(b) for b in (*episode.support, *episode.query))


def test_one_language_cannot_be_its_own_surprise() -> None:
    with pytest.raises(Mistakes, match="give it two languages"):
        surprise({"en": 17})


def test_joint_windows_go_through_all_data_without_a_new_start() -> None:
    schedule = JointSchedule(bags(en=17, el=13), batch_size=4, rounds=2, window=3, query_examples=6, key=KEY)
    counter = Counter(n for step in range(schedule.steps) for batch in schedule[step].support for n in batch.ids)
    assert set(counter.values()) == {2}
    assert len(counter) == 30
    assert [schedule[step].extra["round_begins"] for step in range(schedule.steps)] == [True] + [False] * 5


@pytest.mark.parametrize(
    ("length", "steps"), [(("epochs", 2), 16), (("steps", 5), 5), (("examples", 21), 6), (("examples", 61), 17)]
)
def test_length_of_fine_tuning(length: tuple[str, float], steps: int) -> None:
    schedule = PooledSchedule(bags(en=17, el=13), batch_size=4, length=Length(*length), key=KEY)  # type: ignore[arg-type]
    assert schedule.steps == steps
