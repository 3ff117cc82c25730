"""The gradient: against transformers' own model, over parts of a batch, frozen groups, keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from isogloss.errors import IsoglossError, Mistakes
from isogloss.keys import Key
from isogloss.learner.forward import LearnerForward
from learner import tiny

KEY = Key(1, "p", 3, "dropout")
Encoder = Callable[[str], Path]
Movable = Callable[[str], Path | tiny.Adapted]


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_loss_and_gradient_are_those_of_transformers(
    encoder: Encoder, tmp_path: Path, model_type: str, padded: bool
) -> None:
    learner = tiny.load(encoder(model_type))
    learner.export(tmp_path / "out", card="")
    peer = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "out", attn_implementation="eager"
    )
    peer = peer.double().eval()
    learner.update({name: value.detach() for name, value in peer.named_parameters()})
    batch = tiny.batch(padded=padded)
    loss = torch.nn.functional.cross_entropy(peer(**batch.inputs).logits, batch.targets["labels"])
    loss.backward()

    ours = learner.gradient(tiny.everything(learner), [batch], tiny.OBJECTIVE, KEY, train=False)

    assert float(ours.loss) == pytest.approx(loss.item(), rel=1e-6)
    assert float(ours.weight) == len(batch)
    theirs = {name: value.grad for name, value in peer.named_parameters()}
    tiny.assert_close(ours.values, theirs, 1e-6 if model_type == "modernbert" else 1e-9)


def test_unequal_parts_add_up(movable: Movable) -> None:
    learner = tiny.load(movable("bert"))
    params = tiny.everything(learner)
    whole = tiny.batch(7)
    parts = [whole._of(torch.arange(2)), whole._of(torch.arange(2, 7))]

    together = learner.gradient(params, [whole], tiny.OBJECTIVE, KEY, train=False)
    apart = learner.gradient(params, parts, tiny.OBJECTIVE, KEY, train=False)
    learner.accumulation = 3
    accumulated = learner.gradient(params, [whole], tiny.OBJECTIVE, KEY, train=False)

    for other in (apart, accumulated):
        tiny.assert_close(other.values, together.values, 1e-12)
        assert float(other.loss) == pytest.approx(float(together.loss), rel=1e-6)
        assert float(other.weight) == 7


def test_gradient_is_that_of_the_loss(movable: Movable) -> None:
    learner = tiny.load(movable("bert"))
    masters = tiny.everything(learner)
    params = {name: value.clone().requires_grad_() for name, value in masters.items()}
    batch = tiny.batch()

    total, weight = learner.loss(params, batch, tiny.OBJECTIVE, KEY)
    expected = torch.autograd.grad(total / weight, list(params.values()))

    ours = learner.gradient(masters, [batch], tiny.OBJECTIVE, KEY)
    tiny.assert_close(ours.values, dict(zip(params, expected, strict=True)), 1e-12)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_key_decides_what_is_dropped_and_nothing_else_does(movable: Movable, precision: str) -> None:
    learner = tiny.load(movable("bert"), precision=precision)
    params = tiny.everything(learner)

    def values(key: Key) -> list[torch.Tensor]:
        gradient = learner.gradient(params, [tiny.batch(), tiny.batch(seed=1)], tiny.OBJECTIVE, key)
        return list(gradient.values.values())

    first = values(KEY)
    torch.manual_seed(123)
    state = torch.get_rng_state()
    assert all(torch.equal(a, b) for a, b in zip(first, values(KEY), strict=True))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first[0], values(KEY._replace(step=4))[0])
    assert all(value.dtype == torch.float32 for value in first)


def test_micro_batches_have_masks_of_their_own(movable: Movable) -> None:
    learner = tiny.load(movable("bert"))
    params, batch = tiny.everything(learner), tiny.batch()
    once = learner.gradient(params, [batch], tiny.OBJECTIVE, KEY)
    twice = learner.gradient(params, [batch, batch], tiny.OBJECTIVE, KEY)
    assert float(once.loss) != pytest.approx(float(twice.loss), rel=1e-9)


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_backward_stops_below_the_lowest_moving_group(movable: Movable, model_type: str) -> None:
    learner = tiny.load(movable(model_type))
    params = learner.moving({"embeddings": 0.0, "layer.1": 0.0, "layer.2": 0.5, "layer.3": 0.0, "head": 1.0})
    assert set(params) == {*learner.groups.members("layer.2"), *learner.groups.members("head")}
    graphs: list[bool] = []
    hooks = [
        layer.register_forward_hook(lambda _module, _inputs, output: graphs.append(_tensor(output).requires_grad))
        for layer in learner._network.layers
    ]
    values = learner.gradient(params, [tiny.batch()], tiny.OBJECTIVE, KEY).values
    for hook in hooks:
        hook.remove()

    assert graphs == [False, True, True]
    everything = learner.gradient(tiny.everything(learner), [tiny.batch()], tiny.OBJECTIVE, KEY).values
    tiny.assert_close(values, {name: everything[name] for name in params}, 1e-12)


def _tensor(output: object) -> torch.Tensor:
    return output[0] if isinstance(output, tuple) else output  # type: ignore[return-value]


def test_bfloat16_is_near_float32(movable: Movable) -> None:
    exact, quick = (tiny.load(movable("bert"), precision=precision) for precision in ("fp32", "bf16"))
    gradients = [
        learner.gradient(tiny.everything(learner), [tiny.batch()], tiny.OBJECTIVE, KEY) for learner in (exact, quick)
    ]
    assert float(gradients[1].loss) == pytest.approx(float(gradients[0].loss), rel=0.02)
    flat = [torch.cat([value.ravel() for value in gradient.values.values()]) for gradient in gradients]
    assert float(torch.nn.functional.cosine_similarity(flat[0], flat[1], dim=0)) > 0.99


def test_a_frozen_copy_follows_its_master(encoder: Encoder) -> None:
    learner = tiny.load(encoder("bert"), precision="bf16")
    head = learner.moving({"head": 1.0})
    before = learner.gradient(head, [tiny.batch()], tiny.OBJECTIVE, KEY).loss
    frozen = learner.groups.members("layer.2")[0]
    with torch.no_grad():
        learner.params[frozen].add_(1.0)
    changed = learner.gradient(head, [tiny.batch()], tiny.OBJECTIVE, KEY).loss
    learner.update({frozen: learner.params[frozen] - 1.0})
    again = learner.gradient(head, [tiny.batch()], tiny.OBJECTIVE, KEY).loss
    assert before != changed
    assert float(before) == pytest.approx(float(again), rel=1e-2)


def test_predicting_leaves_copies_that_gradients_can_use(movable: Movable) -> None:
    learner = tiny.load(movable("bert"), precision="bf16")
    with torch.inference_mode():
        learner.predict(tiny.bag())
    gradient = learner.gradient(learner.moving({"layer.1": 1.0}), [tiny.batch()], tiny.OBJECTIVE, KEY)
    assert all(value.isfinite().all() for value in gradient.values.values())


def test_a_loss_that_ignores_a_parameter_is_an_error(encoder: Encoder) -> None:
    learner = tiny.load(encoder("bert"))

    class Ignores:
        version = 1

        def __call__(self, forward: LearnerForward, batch: tiny.Batch) -> torch.Tensor:
            return forward.embed(batch).sum(dim=(1, 2))

    with pytest.raises(IsoglossError, match=r"classifier\.weight"):
        learner.gradient({"classifier.weight": learner.params["classifier.weight"]}, [tiny.batch()], Ignores(), KEY)


def test_an_objective_may_pass_embeddings_on(movable: Movable) -> None:
    learner = tiny.load(movable("bert"))
    weights = learner._network.weights({})
    forward = LearnerForward(learner._network, learner.kind, weights, KEY, learner.device)
    batch = tiny.batch()
    assert torch.equal(forward(batch), forward(batch, embeddings=forward.embed(batch)))


def test_rates_of_unknown_groups_are_refused(encoder: Encoder) -> None:
    learner = tiny.load(encoder("bert"))
    with pytest.raises(Mistakes, match=r"layer\.4.*did you mean"):
        learner.moving({"layer.4": 1.0})
