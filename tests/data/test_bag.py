from collections import Counter

import numpy as np
import pytest

from isogloss.errors import Mistakes
from isogloss.keys import Key

from .conftest import make_bag

KEY = Key(3, "adapt", purpose="subset")


def _triples(count, language="en", first=0):
    return make_bag([4] * (3 * count), groups=np.repeat(np.arange(count) * 977 + 5, 3), language=language, first=first)


def test_whole_groups_as_many_as_fit_in_the_order_of_the_data():
    bag = _triples(100)
    for asked, got in [(3, 3), (30, 30), (100, 99), (101, 99), (299, 297), (300, 300), (1, 3)]:
        subset = bag.subset(examples=asked, key=KEY)
        assert len(subset) == got
        assert set(Counter(subset.groups.tolist()).values()) == {3}
        assert (np.diff(subset.rows) > 0).all()


def test_groups_of_unequal_size_fill_what_is_left():
    bag = make_bag([4] * 10, groups=[0] * 6 + [1] * 3 + [2])
    for asked in range(1, 11):
        got = len(bag.subset(examples=asked, key=KEY))
        assert got <= asked
    assert len(bag.subset(examples=10, key=KEY)) == 10


def test_the_same_groups_are_drawn_in_every_language():
    english, greek = _triples(100), _triples(100, "el")
    assert english.subset(share=0.2, key=KEY).ids.tolist() == greek.subset(share=0.2, key=KEY).ids.tolist()
    # A language with fewer rows, in another order, keeps the ranks of the groups that it has.
    fewer = english.without(english.groups[:30])
    drawn = set(english.subset(examples=60, key=KEY).groups.tolist())
    among_fewer = set(fewer.subset(examples=60, key=KEY).groups.tolist())
    assert drawn - set(english.groups[:30].tolist()) <= among_fewer


def test_keys_draw_differently_and_evenly():
    bag = _triples(50)
    draws = [bag.subset(examples=30, key=Key(seed)) for seed in range(200)]
    assert len({draw.ids.tobytes() for draw in draws}) == 200
    often = np.array(list(Counter(int(group) for draw in draws for group in np.unique(draw.groups)).values()))
    assert len(often) == 50
    # Each group is drawn with probability 0.2: 40 of 200 times, standard deviation 5.7.
    assert often.min() > 40 - 4.5 * 5.7
    assert often.max() < 40 + 4.5 * 5.7


def test_more_examples_hold_fewer():
    bag = _triples(100)
    small, large = (set(bag.subset(examples=count, key=KEY).ids) for count in (30, 90))
    assert small < large


def test_a_number_of_each_label():
    bag = make_bag([4] * 60)  # labels 0, 1, 2 in turn, each example its own group
    subset = bag.subset(per_label=7, key=KEY)
    assert Counter(subset.targets["labels"].tolist()) == {0: 7, 1: 7, 2: 7}
    triples = _triples(20).subset(per_label=7, key=KEY)
    assert Counter(triples.targets["labels"].tolist()) == {0: 7, 1: 7, 2: 7}
    assert set(Counter(triples.groups.tolist()).values()) == {3}
    pairs = make_bag([4] * 8, groups=[0, 1, 1, 0, 0, 1, 1, 0])  # targets 0 1 2 0 1 2 0 1: each group has doubles
    with pytest.raises(Mistakes, match="no examples are left"):
        pairs.subset(per_label=1, key=KEY)


def test_ids_and_then_a_draw_from_them():
    bag = _triples(10)
    assert bag.subset(ids=["5", "3"]).ids.tolist() == ["3", "5"]
    both = bag.subset(ids=[str(k) for k in range(9)], examples=3, key=KEY)
    assert len(both) == 3
    assert set(both.rows.tolist()) <= set(range(9))
    with pytest.raises(Mistakes, match='no example has the id "99"'):
        bag.subset(ids=["1", "99"])


def test_splitting_keeps_groups_together_and_loses_nothing():
    held_out, rest = _triples(100).split_by_group(0.1, KEY)
    assert (len(held_out), len(rest)) == (30, 270)
    assert not set(held_out.groups) & set(rest.groups)
    assert sorted([*held_out.rows, *rest.rows]) == list(range(300))
    greek, _ = _triples(100, "el").split_by_group(0.1, KEY)
    assert greek.ids.tolist() == held_out.ids.tolist()


def test_subsets_of_subsets_look_into_the_same_arrays():
    bag = make_bag([2, 3, 4, 5, 6])
    part = bag.without(np.array([1])).without(np.array([3]))
    assert part.ids.tolist() == ["0", "2", "4"]
    assert part.lengths.tolist() == [2, 4, 6]
    assert part.tokens(1)["input_ids"].tolist() == [2, 2, 2, 2]
    assert part.columns is bag.columns


@pytest.mark.parametrize("asked", [{"share": 0.0}, {"share": 1.2}, {"examples": 0}, {"examples": 301}])
def test_what_cannot_be_drawn(asked):
    with pytest.raises(Mistakes, match="toy en train"):
        _triples(100).subset(**asked, key=KEY)


def test_a_draw_needs_one_way_and_a_key():
    with pytest.raises(ValueError, match="and a key"):
        _triples(10).subset(share=0.5)
    with pytest.raises(ValueError, match="give one of"):
        _triples(10).subset(share=0.5, examples=3, key=KEY)
