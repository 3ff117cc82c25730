from itertools import pairwise

import numpy as np
import pytest
import torch

from isogloss.data.batch import collate

from .conftest import make_bag


def test_a_batch_is_padded_to_its_longest_and_nothing_moves():
    english = make_bag([2, 5, 3], pad=9)
    greek = make_bag([1, 4], language="el", first=3, pad=9)
    batch = collate([(english, np.array([2, 0])), (greek, np.array([1]))])
    assert batch.inputs["input_ids"].tolist() == [[2, 2, 2, 9], [0, 0, 9, 9], [4, 4, 4, 4]]
    assert batch.inputs["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch.targets["labels"].tolist() == [2, 0, 1]
    assert batch.ids == ("2", "0", "4")
    assert batch.languages == ("en", "en", "el")
    assert len(batch) == 3
    assert {values.dtype for values in [*batch.inputs.values(), *batch.targets.values()]} == {torch.int64}


def test_a_subset_is_collated_by_its_own_positions():
    bag = make_bag([2, 5, 3]).subset(ids=["1", "2"])
    assert collate([(bag, np.array([1]))]).inputs["input_ids"].tolist() == [[2, 2, 2]]


def test_writing_into_a_batch_does_not_reach_the_bag():
    bag = make_bag([2])
    collate([(bag, np.array([0]))]).inputs["input_ids"].fill_(7)
    assert bag.tokens(0)["input_ids"].tolist() == [0, 0]


def test_what_makes_no_batch():
    bag = make_bag([2])
    with pytest.raises(ValueError, match="needs an example"):
        collate([(bag, np.array([], dtype=np.int64))])
    with pytest.raises(ValueError, match="do not fit into one batch"):
        collate([(bag, np.array([0])), (make_bag([2], pad=1), np.array([0]))])


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 9])
def test_a_batch_in_parts_is_the_same_examples_without_the_padding(parts):
    bag = make_bag([2, 7, 3, 1, 4])
    whole = collate([(bag, np.arange(5))])
    pieces = whole.split(parts)
    assert len(pieces) == min(parts, 5)
    assert max(map(len, pieces)) - min(map(len, pieces)) <= 1
    assert sorted(name for piece in pieces for name in piece.ids) == sorted(whole.ids)
    assert all(list(piece.ids) == sorted(piece.ids) for piece in pieces)
    spans = [piece.inputs["attention_mask"].sum(1) for piece in pieces]
    assert all(shorter.max() <= longer.min() for shorter, longer in pairwise(spans))
    for piece in pieces:
        again = collate([(bag, np.array([int(name) for name in piece.ids]))])
        assert {name: values.tolist() for name, values in piece.inputs.items()} == {
            name: values.tolist() for name, values in again.inputs.items()
        }
        assert piece.targets["labels"].tolist() == again.targets["labels"].tolist()
