"""Which languages stand together: what every registered pairing promises, and the law of each."""

from __future__ import annotations

from itertools import permutations

import pytest
from pydantic import ValidationError

from isogloss import registry
from isogloss.errors import Mistakes
from isogloss.keys import Key
from isogloss.methods.base import Pair
from isogloss.methods.pairings import pairing_of

KEY = Key(seed=5, phase="1.weights")
NAMES = registry.names("pairings")
# Languages that a law takes: most pair any; "roles" wants different ones on either side, "within" the same.
SIDES = {"roles": (("en",), ("hi", "sw", "ur"))}
SAME = (("en", "hi", "sw", "ur"), ("en", "hi", "sw", "ur"))

pairings = pytest.mark.parametrize("name", NAMES)


def cycle(name: str, step: int = 0) -> tuple[Pair, ...]:
    return pairing_of(name).cycle(*SIDES.get(name, SAME), KEY._replace(step=step))


def pairs(choice: object, support: str, query: str, key: Key = KEY) -> list[str]:
    """The pairs of a cycle as texts, "en→hi+ur"."""
    found = pairing_of(choice).cycle(support.split(), query.split(), key)  # type: ignore[arg-type]
    return [f"{'+'.join(pair.support)}→{'+'.join(pair.query)}" for pair in found]


def refusal(choice: object, support: str = "en", query: str = "hi") -> str:
    with pytest.raises(Mistakes) as caught:
        pairs(choice, support, query)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_laws_of_the_papers_are_there() -> None:
    assert {"within", "roles", "across", "pooled", "surprise"} <= set(NAMES)


@pairings
def test_settings_are_frozen_and_refuse_what_they_do_not_know(name: str) -> None:
    settings = registry.load("pairings", name).Settings
    with pytest.raises(ValidationError):
        settings(no_such_setting=1)
    assert settings.model_config["frozen"]
    assert settings.__doc__


@pairings
def test_it_says_what_it_is(name: str) -> None:
    law = registry.load("pairings", name)
    assert isinstance(law.version, int)
    assert isinstance(pairing_of(name).version, int)
    assert law.__doc__


@pairings
def test_pairs_hold_languages_of_their_side_once_and_some_on_each(name: str) -> None:
    support, query = SIDES.get(name, SAME)
    for pair in cycle(name):
        for side, known in ((pair.support, support), (pair.query, query)):
            assert side
            assert len(set(side)) == len(side)
            assert set(side) <= set(known)


@pairings
def test_a_cycle_has_no_pair_twice_and_all_are_of_one_length(name: str) -> None:
    cycles = [cycle(name, step) for step in range(30)]
    assert {len(pairs) for pairs in cycles} == {len(cycles[0])}
    assert all(len(set(pairs)) == len(pairs) for pairs in cycles)


@pairings
def test_every_query_language_has_its_turn(name: str) -> None:
    met = {language for step in range(60) for pair in cycle(name, step) for language in pair.query}
    assert met == set(SIDES.get(name, SAME)[1])


@pairings
def test_a_cycle_is_a_function_of_the_key(name: str) -> None:
    assert [cycle(name, step) for step in range(9)] == [cycle(name, step) for step in range(9)]


def test_a_pair_overlaps_where_a_language_stands_on_both_sides() -> None:
    assert Pair(("en", "hi"), ("hi",)).overlaps
    assert not Pair(("en", "ur"), ("hi",)).overlaps


def test_within_pairs_each_language_with_itself() -> None:
    assert pairs("within", "hi ur", "hi ur") == ["hi→hi", "ur→ur"]
    message = refusal("within", "en", "hi ur")
    assert message.startswith('languages: supports from en and queries from hi, ur are not "within" a language; ')


def test_roles_pair_every_support_language_with_every_query_language() -> None:
    assert pairs("roles", "en de", "hi ur") == ["en→hi", "en→ur", "de→hi", "de→ur"]


@pytest.mark.parametrize(("support", "query", "both"), [("en hi", "hi ur", "hi"), ("hi ur", "hi ur", "hi, ur")])
def test_roles_refuse_a_language_on_both_sides_in_one_line(support: str, query: str, both: str) -> None:
    message = refusal("roles", support, query)
    assert message.startswith(f"languages: {both} would play both roles")
    assert "give the phase a `support`" in message


def test_across_are_all_ordered_pairs_of_different_languages() -> None:
    expected = {f"{one}→{other}" for one, other in permutations(("en", "hi", "ur"), 2)}
    found = pairs("across", "en hi ur", "en hi ur")
    assert set(found) == expected
    assert len(found) == 6


def test_across_with_several_languages_on_a_side() -> None:
    two = {"name": "across", "support_languages": 2}
    assert pairs(two, "en hi ur", "en hi ur") == ["en+hi→ur", "en+ur→hi", "hi+ur→en"]
    assert pairs({"name": "across", "query_languages": 2}, "en", "en hi ur") == ["en→hi+ur"]
    both = pairs({"name": "across", "support_languages": 2, "query_languages": 2}, "a b c d", "a b c d")
    assert len(both) == 6
    assert "a+b→c+d" in both


@pytest.mark.parametrize(
    ("choice", "support", "query"), [("across", "hi", "hi"), ({"name": "across", "query_languages": 3}, "en hi", "hi")]
)
def test_across_refuses_too_few_languages(choice: object, support: str, query: str) -> None:
    assert "different languages; name more languages" in refusal(choice, support, query)


def test_across_refuses_pairs_without_number() -> None:
    many = " ".join(f"l{n}" for n in range(20))
    choice = {"name": "across", "support_languages": 5, "query_languages": 5}
    assert "too many pairs; put fewer languages on a side" in refusal(choice, many, many)


def test_pooled_is_one_pair_of_everything() -> None:
    assert pairs("pooled", "en hi", "hi ur") == ["en+hi→hi+ur"]


def test_surprise_leaves_its_language_out_of_the_support_whatever_the_order() -> None:
    met = set()
    for step in range(40):
        key = KEY._replace(step=step)
        [pair] = pairing_of("surprise").cycle(("en", "hi", "ur"), ("en", "hi", "ur"), key)
        [again] = pairing_of("surprise").cycle(("ur", "hi", "en"), ("ur", "hi", "en"), key)
        assert set(pair.support) | set(pair.query) == {"en", "hi", "ur"}
        assert not pair.overlaps
        assert pair.query == again.query
        met.update(pair.query)
    assert met == {"en", "hi", "ur"}
    assert "give it two languages" in refusal("surprise", "en", "en")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("witin", 'pairing: no pairing is called "witin"; did you mean "within"?'),
        ({"support_languages": 2}, "pairing: {'support_languages': 2} names no pairing; write"),
        ({"name": "within", "size": 2}, 'pairing.size: unknown setting "size"; it has no settings: leave it out'),
        (
            {"name": "across", "suport_languages": 2},
            'pairing.suport_languages: unknown setting "suport_languages"; did you mean "support_languages"?',
        ),
        (
            {"name": "across", "query_languages": 0},
            "pairing.query_languages: 0 will not do; it should be greater than or equal to 1",
        ),
    ],
)
def test_a_pairing_that_is_not_there(choice: object, expected: str) -> None:
    assert refusal(choice).startswith(expected)
