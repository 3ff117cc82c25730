"""What episodes hold: sizes, coverage, parallel ids, no row of a support in its query; a function of the step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from isogloss import registry
from isogloss.data.bag import Bag
from isogloss.errors import Mistakes
from isogloss.keys import Key
from isogloss.methods.base import Episode, Length
from isogloss.methods.episodes import EpisodeSchedule
from isogloss.methods.pairings import pairing_of
from methods.samples import bags, groups_of, ids_of, parallel

KEY = Key(seed=5, phase="1.weights")
GIVEN: dict[str, Any] = {
    "support_size": 4,
    "query_size": 4,
    "inner_steps": 1,
    "fresh_support": False,
    "episodes": "all",
    "coverage": "random",
    "parallel": False,
    "length": Length("steps", 20),
    "key": KEY,
}
COVERAGES = pytest.mark.parametrize("coverage", ["random", "cover"])


def schedule(
    pairing: object, query: Mapping[str, Bag], support: Mapping[str, Bag] | None = None, **settings: Any
) -> EpisodeSchedule:
    law = pairing_of(pairing)  # type: ignore[arg-type]
    return EpisodeSchedule(law, query, query if support is None else support, **GIVEN | settings)


def episodes_of(made: EpisodeSchedule) -> list[Episode]:
    return [episode for step in range(made.steps) for episode in made[step]]


def refusals(*args: Any, **settings: Any) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        schedule(*args, **settings)
    return str(caught.value).split("\n")


def names(batches: tuple[Any, ...]) -> list[tuple[str, str]]:
    """Language and id of every example."""
    return [pair for batch in batches for pair in zip(batch.languages, batch.ids, strict=True)]


def three() -> dict[str, Bag]:
    return parallel("hi", "sw", "ur", size=30)


# -- sizes, languages, turns


def test_languages_are_those_of_the_pair_and_sizes_those_asked_for() -> None:
    made = schedule("across", three(), support_size=3, query_size=5)
    for episode in episodes_of(made):
        pair = episode.extra["pair"]
        assert [batch.languages for batch in episode.support] == [pair.support * 3]
        assert [batch.languages for batch in episode.query] == [pair.query * 5]


def test_a_step_takes_a_whole_cycle_or_as_many_episodes_as_asked_for() -> None:
    whole = schedule("within", three())
    assert all([e.extra["pair"].query for e in whole[step]] == [("hi",), ("sw",), ("ur",)] for step in range(5))
    for number in (1, 2, 5):
        made = schedule("within", three(), episodes=number)
        turns = [episode.extra["pair"].query for episode in episodes_of(made)]
        assert len(turns) == 20 * number
        cycles = [tuple(turns[start : start + 3]) for start in range(0, len(turns) - 2, 3)]
        assert all(set(cycle) == {("hi",), ("sw",), ("ur",)} for cycle in cycles)
        assert len(set(cycles)) > 1  # each cycle in an order of its own


def test_where_a_step_stands_is_told() -> None:
    made = schedule("within", three(), episodes=2)
    assert [(e.extra["step"], e.extra["steps"]) for e in made[7]] == [(7, 20), (7, 20)]


@pytest.mark.parametrize("step", [-1, 20])
def test_there_is_no_step_beyond_the_last(step: int) -> None:
    with pytest.raises(IndexError):
        schedule("within", three())[step]


@COVERAGES
def test_inner_steps_share_a_support_unless_each_is_to_have_its_own(coverage: str) -> None:
    data = parallel("hi", "sw", "ur", size=60)
    same = schedule("within", data, inner_steps=3, coverage=coverage)
    for episode in episodes_of(same):
        assert len(episode.support) == 3
        assert len({id(batch) for batch in episode.support}) == 1  # nothing is padded or copied twice
    fresh = schedule("within", data, inner_steps=3, fresh_support=True, coverage=coverage)
    assert all(len(episode.support) == 3 for episode in episodes_of(fresh))
    assert any(len({batch.ids for batch in episode.support}) == 3 for episode in episodes_of(fresh))


@COVERAGES
@pytest.mark.parametrize("is_parallel", [False, True])
def test_a_support_of_none(coverage: str, is_parallel: bool) -> None:
    made = schedule("within", three(), support_size=0, coverage=coverage, parallel=is_parallel)
    assert all(episode.support == () for episode in episodes_of(made))
    assert made.examples(0) == 3 * 4


def test_pooled_sides_are_drawn_by_example() -> None:
    made = schedule("pooled", bags(hi=300, ur=100), bags(en=30), length=Length("steps", 300))
    count = Counter(language for episode in episodes_of(made) for language, _ in names(episode.query))
    assert 0.7 < count["hi"] / sum(count.values()) < 0.8


# -- coverage


@pytest.mark.parametrize(("size", "query_size"), [(24, 8), (25, 8), (10, 7), (8, 8)])
def test_cover_uses_every_example_once_before_any_twice(size: int, query_size: int) -> None:
    data = {"en": size + 3, "hi": size, "ur": size + 1}
    made = schedule("across", bags(**data), query_size=query_size, support_size=5, coverage="cover", episodes=1)
    seen: dict[tuple[str, str], Counter[str]] = {}
    for episode in episodes_of(made):
        for side, batches in (("support", episode.support), ("query", episode.query)):
            (language,) = {language for language, _ in names(batches)}
            counter = seen.setdefault((side, language), Counter())
            counter.update(id_ for _, id_ in names(batches))
            least = min(counter[f"{language}{i}"] for i in range(data[language]))
            assert max(counter.values()) - least <= 1
    assert len(seen) == 6


def test_cover_counts_the_languages_that_stand_together_on_a_side_as_one() -> None:
    made = schedule("pooled", bags(hi=11, ur=7), bags(en=9), coverage="cover", query_size=6)
    counter = Counter(name for step in range(3) for name in names(made[step][0].query))
    assert len(counter) == 18
    assert set(counter.values()) == {1}


def test_random_draws_are_without_replacement_in_a_batch_and_independent_between() -> None:
    made = schedule("roles", bags(hi=12), bags(en=12), query_size=8, length=Length("steps", 60))
    batches = [tuple(name for _, name in names(episode.query)) for episode in episodes_of(made)]
    assert all(len(set(batch)) == 8 for batch in batches)
    seen: Counter[str] = Counter(name for batch in batches[:3] for name in batch)
    assert max(seen.values()) == 3  # two passes would be enough for `cover`
    assert len({frozenset(batch) for batch in batches}) > 30


# -- disjointness


@COVERAGES
@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("pairing", ["within", "pooled"])
def test_nothing_of_a_support_is_in_its_query_nor_another_row_of_its_premises(
    pairing: str, fresh: bool, coverage: str
) -> None:
    data = three()
    of = groups_of(data)
    settings = {"inner_steps": 2, "fresh_support": fresh, "coverage": coverage, "length": Length("steps", 60)}
    shared = 0
    for episode in episodes_of(schedule(pairing, data, support_size=3, query_size=9, **settings)):
        support, query = names(episode.support), names(episode.query)
        assert {of[name] for name in support}.isdisjoint(of[name] for name in query)
        shared += len(query) - len({of[name] for name in query})
    assert shared > 0  # premises do come up in several rows: it is the support that keeps them out


def test_cover_within_a_language_uses_every_example_on_either_side_before_any_twice() -> None:
    """Rows whose premise stands in the support wait for the next episode, and for no longer than a few."""
    data = parallel("hi", size=60)
    made = schedule("within", data, coverage="cover", length=Length("steps", 150))
    counter: Counter[tuple[str, str]] = Counter()
    for number, episode in enumerate(episodes_of(made), 1):
        counter.update([*names(episode.support), *names(episode.query)])
        assert max(counter.values()) - min(counter[name] for name in groups_of(data)) <= 2
        assert 8 * number > 48 or max(counter.values()) == 1


def test_rows_of_another_split_are_others_whatever_their_groups() -> None:
    query, support = parallel("hi", size=9), parallel("hi", size=9, split="train")
    made = schedule("within", query, support, query_size=9, support_size=4)
    assert len(names(made[0][0].query)) == 9


# -- parallel


@COVERAGES
def test_parallel_holds_the_same_ids_in_two_languages(coverage: str) -> None:
    made = schedule("across", three(), parallel=True, coverage=coverage, inner_steps=2)
    for episode in episodes_of(made):
        for batch in episode.support:
            assert sorted(batch.ids) == sorted(episode.query[0].ids)
            assert set(batch.languages).isdisjoint(episode.query[0].languages)


def test_parallel_and_cover_go_through_all_ids() -> None:
    made = schedule("roles", parallel("hi", size=24), parallel("en", size=24), parallel=True, coverage="cover")
    for start in (0, 6, 12):
        ids = [id_ for step in range(start, start + 6) for id_ in made[step][0].support[0].ids]
        assert len(set(ids)) == len(ids) == 24


def test_parallel_draws_one_of_several_languages_for_each_id() -> None:
    data = parallel("de", "en", "hi", size=30)
    support = {language: data[language] for language in ("de", "en")}
    made = schedule("pooled", {"hi": data["hi"]}, support, parallel=True)
    drawn = [names(episode.support) for episode in episodes_of(made)]
    assert all(
        sorted(id_ for _, id_ in one) == sorted(episode.query[0].ids)
        for one, episode in zip(drawn, episodes_of(made), strict=True)
    )
    assert {language for one in drawn for language, _ in one} == {"de", "en"}


# -- a function of the step


@COVERAGES
@pytest.mark.parametrize("is_parallel", [False, True])
@pytest.mark.parametrize("episodes", [1, 4, "all"])
def test_an_episode_is_a_function_of_the_step_alone(coverage: str, is_parallel: bool, episodes: object) -> None:
    settings = {"coverage": coverage, "parallel": is_parallel, "episodes": episodes}
    forwards, backwards = (schedule("across", three(), **settings) for _ in range(2))
    from_behind = {step: ids_of(backwards, step) for step in reversed(range(forwards.steps))}
    assert from_behind == {step: ids_of(forwards, step) for step in range(forwards.steps)}
    jumped = schedule("across", three(), **settings)
    assert ids_of(jumped, 13) == from_behind[13]


@COVERAGES
def test_a_longer_phase_begins_as_a_shorter_one(coverage: str) -> None:
    short, long = (schedule("within", three(), coverage=coverage, length=Length("steps", n)) for n in (5, 50))
    assert [ids_of(short, step) for step in range(5)] == [ids_of(long, step) for step in range(5)]


@COVERAGES
def test_another_seed_draws_other_episodes(coverage: str) -> None:
    one, other = (schedule("within", three(), coverage=coverage, key=KEY._replace(seed=seed)) for seed in (1, 2))
    assert ids_of(one, 0) != ids_of(other, 0)


@COVERAGES
@pytest.mark.parametrize("name", registry.names("pairings"))
def test_every_registered_pairing_makes_episodes(name: str, coverage: str) -> None:
    support = parallel("en", size=30) if name == "roles" else None
    made = schedule(name, three(), support, coverage=coverage)
    met = set()
    for step in range(made.steps):
        assert made.examples(step) == sum(len(batch) for episode in ids_of(made, step) for batch in episode)
        met |= {language for episode in made[step] for language, _ in names(episode.query)}
    assert met == {"hi", "sw", "ur"}


# -- length and cost


@pytest.mark.parametrize(
    ("settings", "examples"),
    [
        ({}, 3 * (4 + 4)),
        ({"support_size": 2}, 3 * (2 + 4)),
        ({"inner_steps": 5}, 3 * (5 * 4 + 4)),
        ({"inner_steps": 5, "fresh_support": True, "query_size": 3}, 3 * (5 * 4 + 3)),
        ({"episodes": 2}, 2 * 8),
    ],
)
def test_examples_are_counted_as_they_are_seen(settings: dict[str, Any], examples: int) -> None:
    made = schedule("within", parallel("hi", "sw", "ur", size=90), **settings)
    for step in range(3):
        assert made.examples(step) == examples == sum(len(batch) for one in ids_of(made, step) for batch in one)


@pytest.mark.parametrize(
    ("length", "episodes", "steps"),
    [
        (("steps", 7), "all", 7),
        (("examples", 100), "all", 5),  # 24 a step
        (("examples", 96), "all", 4),
        (("examples", 100), 1, 13),  # 8 a step
        (("epochs", 1), "all", 10),  # 40 rows of ur, 4 a step
        (("epochs", 2.5), "all", 25),
        (("epochs", 1), 1, 29),  # ur's tenth turn: at the soonest with the 28th episode
    ],
)
def test_length(length: tuple[Any, float], episodes: object, steps: int) -> None:
    made = schedule("within", bags(hi=20, sw=30, ur=40), length=Length(*length), episodes=episodes)
    assert made.steps == steps if episodes == "all" else abs(made.steps - steps) <= 1


def test_an_epoch_of_a_pool_is_a_pass_over_all_of_it() -> None:
    made = schedule("pooled", bags(hi=10, ur=30), bags(en=10), length=Length("epochs", 2))
    assert made.steps == 20


# -- refusals


def test_too_few_examples_are_refused_at_once_with_both_sides_and_the_remedy() -> None:
    found = refusals("roles", bags(hi=3, ur=9), bags(en=2))
    assert found == [
        "support en: 2 examples are fewer than the 4 of an episode's support; give it more, or lower support_size",
        "query hi: 3 examples are fewer than the 4 of an episode's query; give it more, or lower batch_size",
    ]


@pytest.mark.parametrize(
    ("settings", "room"),
    [
        ({"support_size": 8}, 0),
        ({"support_size": 6, "query_size": 8}, 6),
        ({"inner_steps": 6, "fresh_support": True}, 0),
    ],
)
def test_too_few_groups_beside_a_support_are_refused(settings: dict[str, Any], room: int) -> None:
    """24 rows of 8 premises: 6 rows of support may stand for 6 premises, and 6 rows are left."""
    [message] = refusals("within", parallel("hi", size=24), **settings)
    assert f"may leave {room} rows of other groups" in message
    assert message.startswith("query hi: ")


@COVERAGES
def test_what_is_not_refused_can_be_drawn(coverage: str) -> None:
    """Just enough: supports of 5 premises leave 9 rows at the least."""
    made = schedule("within", parallel("hi", size=24), support_size=5, query_size=9, coverage=coverage)
    assert all(len(names(episode.query)) == 9 for episode in episodes_of(made))


def test_parallel_ids_that_do_not_match() -> None:
    data = parallel("en", "hi", size=24)
    en = data["en"].subset(ids=[f"id{i}" for i in range(17)])
    [message] = refusals("roles", {"hi": data["hi"]}, {"en": en}, parallel=True)
    assert message == (
        "parallel: of 24 ids of hi (query), 17 are among those of en (support); "
        "draw both from the same split of a parallel task, or set parallel = false"
    )


@pytest.mark.parametrize(
    ("pairing", "settings", "expected"),
    [
        ("within", {}, "support (hi) and query (hi) cannot hold the same examples in a language that both have"),
        ("across", {"support_size": 2}, "2 examples of support and 4 of query cannot be the same ones"),
        ("across", {"inner_steps": 2, "fresh_support": True}, "the supports of an episode cannot all be new and all"),
    ],
)
def test_parallel_where_it_makes_no_sense(pairing: str, settings: dict[str, Any], expected: str) -> None:
    found = refusals(pairing, parallel("hi", "ur", size=24), parallel=True, **settings)
    assert found[0].startswith(f"parallel: {expected}")


def test_a_set_of_languages_that_comes_late_is_looked_at_before_the_first_step() -> None:
    """A law that draws its pairs may take the small language first in the last cycle."""
    many = {f"l{number}": 20 for number in range(15)} | {"small": 3}
    assert any(line.startswith("query small: 3 examples") for line in refusals("surprise", bags(**many)))
