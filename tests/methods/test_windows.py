"""What a window of the meta-optimizer holds: nothing of the surprise language in support, all others once a round."""

from __future__ import annotations

from collections import Counter

import pytest

from isogloss.keys import Key
from isogloss.methods.base import Episode
from isogloss.methods.meta_optimizer import MetaOptimizer
from isogloss.methods.windows import WindowSchedule
from methods.samples import bags, digest, ids_of

KEY = Key(seed=5, phase="1.rates")


def schedule(sizes: dict[str, int], **settings: object) -> WindowSchedule:
    given = {"rounds": 12, "window": 3, "query_examples": 0}
    method = MetaOptimizer(MetaOptimizer.Settings.model_validate(given | settings))
    return method.schedule(bags(**sizes), batch_size=4, length=None, key=KEY)


def joint(sizes: dict[str, int], **settings: object) -> WindowSchedule:
    return schedule(sizes, **{"rounds": 2, "meta_training": "joint"} | settings)


def episode_of(made: WindowSchedule, step: int) -> Episode:
    (episode,) = made[step]
    return episode


@pytest.mark.parametrize("query_examples", [0, 5, 1000])
def test_the_surprise_language_is_never_in_support_and_alone_in_query(query_examples: int) -> None:
    made = schedule({"en": 17, "el": 13, "ur": 9}, query_examples=query_examples)
    met = set()
    for step in range(made.steps):
        episode = episode_of(made, step)
        (held_out,) = episode.extra["pair"].query
        met.add(held_out)
        assert all(held_out not in batch.languages for batch in episode.support)
        assert {language for batch in episode.query for language in batch.languages} == {held_out}
    assert met == {"en", "el", "ur"}


def test_a_round_sees_every_example_of_the_other_languages_once() -> None:
    sizes = {"en": 17, "el": 13, "ur": 9}
    made = schedule(sizes)
    seen: dict[int, Counter[str]] = {}
    for step in range(made.steps):
        episode = episode_of(made, step)
        counter = seen.setdefault(episode.extra["round"], Counter())
        counter.update(name for batch in episode.support for name in batch.ids)
        assert episode.extra["round_begins"] == (episode.extra["step"] == 0)
    assert len(seen) == 12
    for round_, counter in seen.items():
        held_out = made.pairs[round_].query
        assert set(counter.values()) == {1}
        assert len(counter) == sum(size for language, size in sizes.items() if language not in held_out)


def test_windows_have_their_length_and_the_last_of_a_round_what_is_left() -> None:
    made = schedule({"en": 20, "el": 20}, window=3)  # 5 batches a round
    assert [len(episode_of(made, step).support) for step in range(4)] == [3, 2, 3, 2]
    assert all(episode_of(made, step).extra["steps"] == 5 for step in range(4))


def test_query_is_a_fresh_sample_each_meta_step() -> None:
    made = schedule({"en": 40, "el": 40}, query_examples=10)
    samples = [tuple(sorted(n for batch in episode_of(made, step).query for n in batch.ids)) for step in range(6)]
    assert all(len(set(sample)) == 10 for sample in samples)
    assert len(set(samples)) == 6


@pytest.mark.parametrize("make", [schedule, joint])
def test_an_episode_is_a_function_of_the_step_alone(make: object) -> None:
    forwards, backwards = (make({"en": 17, "el": 13}, query_examples=6) for _ in range(2))  # type: ignore[operator]
    from_behind = {step: ids_of(backwards, step) for step in reversed(range(forwards.steps))}
    assert from_behind == {step: ids_of(forwards, step) for step in range(forwards.steps)}


@pytest.mark.parametrize("query_examples", [0, 5])
@pytest.mark.parametrize("make", [schedule, joint])
def test_examples_are_counted_as_they_are_drawn(make: object, query_examples: int) -> None:
    made = make({"en": 17, "el": 13, "ur": 9}, query_examples=query_examples)  # type: ignore[operator]
    for step in range(made.steps):
        assert made.examples(step) == sum(map(len, ids_of(made, step)[0]))


def test_joint_windows_go_through_all_data_without_a_new_start() -> None:
    made = joint({"en": 17, "el": 13}, query_examples=6)
    episodes = [episode_of(made, step) for step in range(made.steps)]
    counter = Counter(name for episode in episodes for batch in episode.support for name in batch.ids)
    assert set(counter.values()) == {2}
    assert len(counter) == 30
    assert [episode.extra["round_begins"] for episode in episodes] == [True] + [False] * 5


@pytest.mark.parametrize(
    ("make", "settings", "expected"),
    [
        (schedule, {"rounds": 6, "query_examples": 5}, "182583ab080df43a"),
        (schedule, {"rounds": 6}, "fd879a8db6e53e12"),
        (joint, {"query_examples": 5}, "829075227eeb8f82"),
    ],
)
def test_the_draws_of_phases_in_stores_stay_as_they_are(make: object, settings: dict, expected: str) -> None:
    """Another digest is another run for the same key: then `version` of the meta-optimizer has to go up."""
    assert digest(make({"en": 17, "el": 13, "ur": 9}, **settings)) == expected  # type: ignore[operator]
