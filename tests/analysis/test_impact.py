from dataclasses import replace

import numpy as np
import pytest
import torch

from isogloss.analysis.impact import States, evaluate_with_impact
from learner import tiny

LENGTHS = (5, 12, 3, 9, 30, 7, 4, 11, 6, 8)


@pytest.fixture(params=["first", "mean"])
def pooling(request):
    return request.param


@pytest.fixture
def learner(encoder):
    return tiny.load(encoder)


def _gram(x, y):
    centring = np.eye(len(x)) - 1 / len(x)
    k, l = centring @ x @ x.T @ centring, centring @ y @ y.T @ centring  # noqa: E741
    return np.sum(k * l) / np.sqrt(np.sum(k * k) * np.sum(l * l))


def _moved(learner, layer):
    name = next(name for name in learner.groups.members(f"layer.{layer}") if name.endswith("output.dense.weight"))
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(learner.params[name].shape, generator=generator, dtype=torch.float64)
    learner.update({name: learner.params[name] + noise})


def test_a_learner_has_no_impact_on_itself(learner, pooling):
    bag = tiny.bag(LENGTHS)
    _, found = evaluate_with_impact(States.of(learner, bag, pooling=pooling), learner, bag)
    np.testing.assert_allclose(found.impact, 0, atol=1e-9)
    np.testing.assert_allclose(found.debiased_cka, 1, atol=1e-9)
    assert found.layers == ((1, 2, 3) if pooling == "first" else (0, 1, 2, 3))
    assert found.examples == len(bag)


def test_impact_begins_at_the_layer_that_moved(learner, pooling):
    bag = tiny.bag(LENGTHS)
    before = States.of(learner, bag, pooling=pooling)
    _moved(learner, 2)
    predictions, found = evaluate_with_impact(before, learner, bag)
    by_layer = dict(zip(found.layers, found.impact, strict=True))
    assert by_layer[1] == pytest.approx(0, abs=1e-9)
    assert by_layer[2] > 1e-3
    assert by_layer[3] > 1e-3
    after = States.of(learner, bag, pooling=pooling)
    assert after.ids == before.ids
    for layer, cka in zip(found.layers, found.cka, strict=True):
        assert cka == pytest.approx(_gram(before.values[layer], after.values[layer]), rel=1e-5)
    np.testing.assert_allclose(predictions.logits, learner.predict(bag).logits, rtol=1e-5, atol=1e-6)


def test_the_order_of_the_states_makes_no_difference(learner):
    bag = tiny.bag(LENGTHS)
    before = States.of(learner, bag)
    _moved(learner, 1)
    turned = replace(before, ids=before.ids[::-1], values=before.values[:, ::-1])
    expected = evaluate_with_impact(before, learner, bag)[1]
    np.testing.assert_allclose(evaluate_with_impact(turned, learner, bag)[1].cka, expected.cka, rtol=1e-12)


def test_states_of_other_examples_are_refused(learner):
    bag = tiny.bag(LENGTHS)
    before = States.of(learner, bag)
    for wrong in (bag.subset(ids=["e1", "e2", "e3", "e4"]), tiny.bag((*LENGTHS, 5))):
        with pytest.raises(ValueError, match="of other examples than the bag"):
            evaluate_with_impact(before, learner, wrong)
    twice = replace(before, ids=(before.ids[0], *before.ids[:-1]))
    with pytest.raises(ValueError, match="of other examples than the bag"):
        evaluate_with_impact(twice, learner, bag)


def test_one_row_has_no_impact_that_could_be_told(learner):
    bag = tiny.bag((5,))
    predictions, found = evaluate_with_impact(States.of(learner, bag), learner, bag)
    assert found.undefined == "CKA needs 2 examples, not 1"
    assert np.isnan(found.impact).all()
    np.testing.assert_allclose(predictions.logits, learner.predict(bag).logits, rtol=1e-6)
