"""Hessian-vector products and recomputed layers, in float64, with dropout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from isogloss.keys import Key
from isogloss.learner import blockwise
from isogloss.learner.learner import Learner
from learner import tiny

KEY = Key(1, "p", 3, "dropout")
Movable = Callable[[str], Path | tiny.Adapted]


@pytest.fixture(params=["written out", "in blocks"])
def attention(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention of scores that count as small, then of such that count as large."""
    monkeypatch.setattr(blockwise, "LARGE", 0 if request.param == "in blocks" else blockwise.LARGE)


def _direction(params: dict[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(value.shape, generator=generator).to(value.dtype) for name, value in params.items()}


@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta", "distilbert", "deberta-v2"])
@pytest.mark.usefixtures("attention")
def test_products_are_the_slope_of_the_gradient(movable: Movable, model_type: str) -> None:
    learner = tiny.load(movable(model_type))
    params, batch = tiny.everything(learner), tiny.batch()
    vector = _direction(params)
    product = learner.linearize(params, [batch], tiny.OBJECTIVE, KEY)
    step = 1e-6

    def gradient(at: float) -> dict[str, torch.Tensor]:
        moved = {name: value + at * vector[name] for name, value in params.items()}
        return learner.gradient(moved, [batch], tiny.OBJECTIVE, KEY).values

    ahead, behind = gradient(step), gradient(-step)
    slope = {name: (ahead[name] - behind[name]) / (2 * step) for name in params}
    tiny.assert_close(product(vector), slope, 1e-5)


def test_products_are_those_of_autograd(movable: Movable) -> None:
    learner = tiny.load(movable("bert"))
    params, batch = learner.moving({"layer.2": 1.0, "head": 1.0}), tiny.batch()
    vector = _direction(params)

    def loss(*values: torch.Tensor) -> torch.Tensor:
        total, weight = learner.loss(dict(zip(params, values, strict=True)), batch, tiny.OBJECTIVE, KEY)
        return total / weight

    _, expected = torch.autograd.functional.hvp(loss, tuple(params.values()), tuple(vector.values()))
    product = learner.linearize(params, [batch], tiny.OBJECTIVE, KEY)
    first = learner.gradient(params, [batch], tiny.OBJECTIVE, KEY)
    for last in (False, True):
        tiny.assert_close(product(vector, last=last), dict(zip(params, expected, strict=True)), 1e-11)
    tiny.assert_close(product.gradient, first.values, 1e-12)
    assert float(product.loss) == pytest.approx(float(first.loss), rel=1e-6)


def test_a_gradient_of_some_parameters_gives_their_columns(movable: Movable) -> None:
    learner = tiny.load(movable("bert"))
    params, batch = tiny.everything(learner), tiny.batch()
    columns = learner.groups.members("layer.2")
    vector = {name: value for name, value in _direction(params).items() if name in columns}
    outside = {name: torch.zeros_like(value) for name, value in params.items() if name not in columns}

    product = learner.linearize(params, [batch], tiny.OBJECTIVE, KEY, of=columns)
    whole = learner.linearize(params, [batch], tiny.OBJECTIVE, KEY)

    assert product.gradient.keys() == set(columns)
    tiny.assert_close(product.gradient, {name: whole.gradient[name] for name in product.gradient}, 1e-12)
    tiny.assert_close(product(vector), whole(vector | outside), 1e-11)


def test_products_can_leave_dropout_out(movable: Movable) -> None:
    learner = tiny.load(movable("bert"))
    params, batch = tiny.everything(learner), tiny.batch()
    product = learner.linearize(params, [batch], tiny.OBJECTIVE, KEY, train=False)
    tiny.assert_close(
        product.gradient, learner.gradient(params, [batch], tiny.OBJECTIVE, KEY, train=False).values, 1e-12
    )
    assert float(product.loss) != float(learner.linearize(params, [batch], tiny.OBJECTIVE, KEY).loss)


def test_products_over_unequal_parts_are_the_mean_over_examples(tmp_path: Path) -> None:
    learner = tiny.load(tiny.save_encoder(tmp_path, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    params, whole = tiny.everything(learner), tiny.batch(7)
    vector = _direction(params)
    product = learner.linearize(params, [whole], tiny.OBJECTIVE, KEY)
    apart = learner.linearize(params, whole.split(3), tiny.OBJECTIVE, KEY)
    tiny.assert_close(apart.gradient, product.gradient, 1e-12)
    assert float(apart.loss) == pytest.approx(float(product.loss), rel=1e-12)
    for _ in range(2):
        tiny.assert_close(apart(vector), product(vector), 1e-11)


@pytest.mark.parametrize("model_type", tiny.CLASSES)
@pytest.mark.usefixtures("attention")
def test_recomputed_layers_change_nothing(movable: Movable, model_type: str) -> None:
    plain = tiny.load(movable(model_type))
    recomputing = tiny.load(movable(model_type), gradient_checkpointing=True)
    # Other parameters than the masters: those of a learner that has taken a step.
    masters = tiny.everything(plain)
    steps = _direction(masters)
    params = {name: value + 0.1 * steps[name] for name, value in masters.items()}
    batch = tiny.batch()

    def derivatives(learner: Learner) -> tuple[dict[str, torch.Tensor], ...]:
        gradient = learner.gradient(params, [batch], tiny.OBJECTIVE, KEY).values
        product = learner.linearize(params, [batch], tiny.OBJECTIVE, KEY)
        return gradient, product.gradient, product(_direction(params, 1))

    for ours, theirs in zip(derivatives(recomputing), derivatives(plain), strict=True):
        tiny.assert_close(ours, theirs, 1e-12)


def test_recomputation_does_take_place(movable: Movable) -> None:
    learner = tiny.load(movable("bert"), gradient_checkpointing=True)
    calls: list[int] = []
    inner = learner._network.layers[0].intermediate
    inner.register_forward_hook(lambda *_: calls.append(1))
    learner.gradient(tiny.everything(learner), [tiny.batch()], tiny.OBJECTIVE, KEY)
    assert len(calls) == 2
    learner.predict(tiny.bag())
    learner.gradient(learner.moving({"head": 1.0}), [tiny.batch()], tiny.OBJECTIVE, KEY)
    assert len(calls) <= 4


def test_products_in_bfloat16_point_the_same_way(movable: Movable) -> None:
    def product(precision: str) -> torch.Tensor:
        learner = tiny.load(movable("bert"), precision=precision)
        params = learner.moving({"layer.3": 1.0, "head": 1.0})
        pullback = learner.linearize(params, [tiny.batch()], tiny.OBJECTIVE, KEY)
        return torch.cat([value.double().ravel() for value in pullback(_direction(params)).values()])

    assert float(torch.nn.functional.cosine_similarity(product("bf16"), product("fp64"), dim=0)) > 0.95


@pytest.mark.parametrize("train", [True, False])
def test_second_derivatives_exist_with_and_without_dropout(movable: Movable, train: bool) -> None:
    """Fused attention has none on a CPU where nothing is dropped."""
    learner = tiny.load(movable("bert"), precision="fp32")
    params = {name: value.clone().requires_grad_() for name, value in tiny.everything(learner).items()}
    total, _ = learner.loss(params, tiny.batch(), tiny.OBJECTIVE, KEY, train=train)
    first = torch.autograd.grad(total, list(params.values()), create_graph=True)
    second = torch.autograd.grad(sum(value.square().sum() for value in first), list(params.values()))
    assert all(value.isfinite().all() for value in second)
