"""Predictions and hidden states of whole bags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from isogloss.kinds.text_classification import LabelPredictions
from isogloss.learner.reading import Pooling
from learner import tiny

Encoder = Callable[[str], Path]


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_predictions_come_in_the_order_of_the_bag_whatever_the_batches(encoder: Encoder, model_type: str) -> None:
    learner = tiny.load(encoder(model_type))
    bag = tiny.bag()
    together, apart = learner.predict(bag), learner.predict(bag, max_tokens=1)
    np.testing.assert_allclose(together.logits, apart.logits, rtol=1e-4, atol=1e-5)
    assert together.ids.tolist() == [f"e{row}" for row in range(len(bag))]
    assert together.labels.tolist() == bag.targets["labels"].tolist()
    assert together.predictions.tolist() == together.logits.argmax(1).tolist()
    one = learner.predict(bag._at(np.array([4])))
    np.testing.assert_allclose(one.logits[0], together.logits[4], rtol=1e-4, atol=1e-5)


def test_probabilities_are_the_softmax_also_of_large_logits() -> None:
    logits = np.array([[0.0, 1.0, 2.0], [1e4, 1e4, -1e4]], dtype=np.float32)
    nothing = np.zeros(2, dtype=np.int64)
    found = LabelPredictions(np.array(["a", "b"]), nothing, nothing, logits).probabilities
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, torch.from_numpy(logits).softmax(-1).numpy(), rtol=1e-6)


def test_predictions_at_other_parameters(encoder: Encoder) -> None:
    learner = tiny.load(encoder("bert"))
    before = learner.predict(tiny.bag()).logits
    moved = {"classifier.bias": learner.params["classifier.bias"] + torch.tensor([1.0, 2.0, 3.0])}
    after = learner.predict(tiny.bag(), params=moved).logits
    np.testing.assert_allclose(after - before, np.tile([1.0, 2.0, 3.0], (7, 1)), atol=1e-5)
    np.testing.assert_array_equal(learner.predict(tiny.bag()).logits, before)


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_hidden_states_are_those_of_transformers(encoder: Encoder, model_type: str, pooling: Pooling) -> None:
    peer = transformers.AutoModel.from_pretrained(encoder(model_type), attn_implementation="eager").eval()
    learner = tiny.load(encoder(model_type), precision="fp32")
    bag = tiny.bag()
    found = {}
    for seen in learner.observe(bag, pooling=pooling, max_tokens=40):
        assert seen.states.dtype == seen.logits.dtype == torch.float32
        assert seen.ids == tuple(bag.ids[seen.positions])
        found |= {name: seen.states[:, row] for row, name in enumerate(seen.ids)}
    assert sorted(found) == sorted(bag.ids)
    for row, name in enumerate(bag.ids):
        tokens = torch.from_numpy(bag.tokens(row)["input_ids"]).long()[None]
        with torch.no_grad():
            output = peer(tokens, attention_mask=torch.ones_like(tokens), output_hidden_states=True)
        expected = torch.stack(
            [state[0, 0] if pooling == "first" else state[0].mean(0) for state in output.hidden_states]
        )
        torch.testing.assert_close(found[name], expected, rtol=1e-3, atol=1e-4)


def test_hidden_states_do_not_change_later_logits(encoder: Encoder) -> None:
    learner = tiny.load(encoder("bert"))
    before = learner.predict(tiny.bag()).logits
    list(learner.observe(tiny.bag()))
    np.testing.assert_array_equal(learner.predict(tiny.bag()).logits, before)


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_the_pass_that_shows_hidden_states_predicts_as_one_without(encoder: Encoder, model_type: str) -> None:
    learner, bag = tiny.load(encoder(model_type)), tiny.bag()
    found = learner.predictions(bag, ((seen.positions, seen.logits) for seen in learner.observe(bag)))
    expected = learner.predict(bag)
    np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-5, atol=1e-6)
    assert found.predictions.tolist() == expected.predictions.tolist()


def test_a_mean_over_tokens_does_not_see_the_padding(encoder: Encoder) -> None:
    learner, bag = tiny.load(encoder("bert")), tiny.bag()
    together = {name: seen for seen in learner.observe(bag, pooling="mean") for name in seen.ids}
    for name, seen in together.items():
        (alone,) = learner.observe(bag.subset(ids=[name]), pooling="mean")
        torch.testing.assert_close(seen.states[:, seen.ids.index(name)], alone.states[:, 0], rtol=1e-4, atol=1e-5)
