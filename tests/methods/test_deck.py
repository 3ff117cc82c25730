"""Every position once before any twice; what is barred waits, and comes first in the next deal."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from isogloss.keys import Key
from isogloss.methods.deck import Deck

KEY = Key(seed=3, phase="1.weights", purpose="cover/query/hi")


@pytest.mark.parametrize(("size", "count"), [(24, 8), (25, 8), (9, 8), (8, 8), (100, 7), (1, 1)])
def test_every_position_is_dealt_once_before_any_is_dealt_twice(size: int, count: int) -> None:
    """Also where a deal takes the rest of one pass and the head of the next: then none stands in it twice."""
    deck, dealt = Deck(size, KEY), Counter[int]()
    for number in range(200):
        deal = deck.deal(count).tolist()
        assert len(set(deal)) == count
        dealt.update(deal)
        assert max(dealt.values()) - min(dealt[position] for position in range(size)) <= 1, number


def test_passes_are_permutations_of_their_own_drawn_from_the_key() -> None:
    deck, same, other = Deck(50, KEY), Deck(50, KEY), Deck(50, KEY._replace(seed=4))
    first, second = deck.deal(50), deck.deal(50)
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, same.deal(50))
    assert not np.array_equal(first, other.deal(50))


def test_what_is_barred_waits_and_comes_first_in_its_order() -> None:
    whole = Deck(10, KEY).deal(10).tolist()
    deck = Deck(10, KEY)
    barred = {whole[0], whole[2]}
    assert deck.deal(3, barred.__contains__).tolist() == [whole[1], whole[3], whole[4]]
    assert deck.deal(3).tolist() == [whole[0], whole[2], whole[5]]
