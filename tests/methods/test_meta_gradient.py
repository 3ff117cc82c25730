"""The meta-gradient against closed forms, differences, and autograd through all inner steps at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from isogloss.learner.adapters import Adapters
from isogloss.learner.learner import Learner
from isogloss.methods.base import Episode
from isogloss.methods.meta_gradient import InnerLoop, meta_gradient, support_key
from isogloss.methods.orders import ORDERS
from learner import tiny
from methods.unrolled import ALPHA, KEY, Bowl, QuadraticLearner, apart, episode, flat, inner_loop, unrolled, whole

Source = Path | tiny.Adapted
K = pytest.mark.parametrize("inner_steps", [1, 2, 5])
ALL = {"embeddings": 1.0, "layer.1": 1.0, "layer.2": 1.0, "layer.3": 1.0, "head": 1.0}


@pytest.fixture(scope="module", params=["full", "adapters"])
def encoders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    """One random encoder with and one without dropout, with all parameters moving or with adapters."""
    torch.set_num_threads(1)
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    folders = {
        "dropout": tiny.save_encoder(tmp_path_factory.mktemp("dropout")),
        "none": tiny.save_encoder(tmp_path_factory.mktemp("none"), **none),
    }
    if request.param == "full":
        return {**folders}
    return {
        "dropout": tiny.Adapted(folders["dropout"]),
        "none": tiny.Adapted(folders["none"], Adapters(rank=3)),
    }


# --- closed forms -----------------------------------------------------------------------------------------------------


def quadratic(order: str, alpha: dict[str, float], *, learns: bool = True) -> InnerLoop:
    learner: Any = QuadraticLearner()
    by_name = {name: alpha[group] for name, group in learner.groups.of.items() if group in alpha}
    return InnerLoop(learner, tiny.OBJECTIVE, learner.params, by_name, 0.0, True, ORDERS[order], learns)


@pytest.mark.parametrize("order", ["second", "finite-difference"])
def test_one_step_in_a_bowl_is_the_textbook_formula(order: str) -> None:
    """θ' = θ − αAθ, gradient (I − αA)ᵀ A θ'."""
    inner, bowl = quadratic(order, {"layer.1": 0.3, "head": 0.3}), Bowl.draw(0, centred=True)
    theta = torch.cat(list(inner.theta.values()))
    ahead = theta - 0.3 * bowl.A @ theta
    expected = (torch.eye(5) - 0.3 * bowl.A).T @ bowl.A @ ahead
    found = whole(meta_gradient(inner, Episode((bowl,), (bowl,), {}), KEY))
    torch.testing.assert_close(torch.cat(list(found.values())), expected, rtol=1e-5, atol=1e-6)
    if order == "second":
        torch.testing.assert_close(torch.cat(list(found.values())), expected, rtol=1e-13, atol=1e-14)


@K
@pytest.mark.parametrize("alpha", [{"layer.1": 0.3, "head": 0.1}, {"head": 0.4}])
def test_steps_in_bowls_are_products_of_jacobians(inner_steps: int, alpha: dict[str, float]) -> None:
    """v = (I − A_0 D) … (I − A_{K−1} D) A_Q (θ_K − b_Q), with a rate a group on the diagonal of D."""
    inner = quadratic("second", alpha)
    D = torch.diag(torch.tensor([alpha.get("layer.1", 0.0)] * 3 + [alpha["head"]] * 2, dtype=torch.float64))
    bowls, query = [Bowl.draw(k) for k in range(inner_steps)], Bowl.draw(77)
    theta = torch.cat(list(inner.theta.values()))
    for bowl in bowls:
        theta = theta - D @ bowl.A @ (theta - bowl.b)
    v = query.A @ (theta - query.b)
    first = v
    for bowl in reversed(bowls):
        v = v - bowl.A @ D @ v
    found = meta_gradient(inner, Episode(tuple(bowls), (query,), {}), KEY)
    torch.testing.assert_close(torch.cat(list(found.query.values())), first, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(torch.cat(list(whole(found).values())), v, rtol=1e-12, atol=1e-13)


# --- an encoder -------------------------------------------------------------------------------------------------------


def test_it_is_the_slope_of_the_query_loss(encoders: dict[str, Source]) -> None:
    """Central differences of L(θ_K; Q) along random directions."""
    learner = tiny.load(encoders["dropout"])
    inner, drawn = inner_loop(learner, clip=1.0), episode(2)
    found = meta_gradient(inner, drawn, KEY)
    assert min(unrolled(inner, drawn).norms) > 1.0  # so clipping is at work
    start = {name: value.clone() for name, value in inner.theta.items()}
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        along = {name: torch.randn(value.shape, generator=generator).double() for name, value in start.items()}
        losses = []
        for sign in (1, -1):
            learner.update({name: value + sign * 1e-5 * along[name] for name, value in start.items()})
            losses.append(unrolled(inner, drawn, first_order=True).loss)
        learner.update(start)
        slope = (losses[0] - losses[1]) / 2e-5
        assert slope == pytest.approx(float(flat(whole(found)) @ flat(along)), rel=1e-5)


SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "embeddings and a layer frozen": {"rates": ALL | {"embeddings": 0.0, "layer.2": 0.0}},
    "head alone inside": {"alpha": {"head": 0.3}},
    "two groups inside": {"alpha": {"layer.1": 0.2, "layer.3": 0.1}},
    "clipping active": {"clip": 0.5},
    "clipping active, some groups": {"clip": 0.1, "alpha": {"layer.2": 3.0, "head": 1.0}},
    "clipping idle": {"clip": 1e6},
    "evaluation mode": {"train": False},
}


@K
@pytest.mark.parametrize("setting", SETTINGS)
def test_second_order_is_the_gradient_through_all_steps_unrolled(
    encoders: dict[str, Source], setting: str, inner_steps: int
) -> None:
    learner = tiny.load(encoders["dropout"])
    agrees(inner_loop(learner, **SETTINGS[setting]), episode(inner_steps))


LEARNERS: dict[str, tuple[str, Callable[[Learner], None], dict[str, Any]]] = {
    "no dropout": ("none", lambda learner: None, {}),
    "layers recomputed": ("dropout", lambda learner: None, {"gradient_checkpointing": True}),
    "in two parts": ("dropout", lambda learner: setattr(learner, "accumulation", 2), {}),
    "in three parts, recomputed": (
        "dropout",
        lambda learner: setattr(learner, "accumulation", 3),
        {"gradient_checkpointing": True},
    ),
}


@K
@pytest.mark.parametrize("kind", LEARNERS)
def test_how_a_learner_computes_changes_nothing(encoders: dict[str, Source], kind: str, inner_steps: int) -> None:
    folder, adjust, settings = LEARNERS[kind]
    learner = tiny.load(encoders[folder], **settings)
    adjust(learner)
    agrees(inner_loop(learner, clip=0.5), episode(inner_steps))


@pytest.mark.parametrize("model_type", ["xlm-roberta", "distilbert", "deberta-v2", "modernbert"])
def test_every_class_of_encoders(tmp_path: Path, model_type: str) -> None:
    learner = tiny.load(tiny.save_encoder(tmp_path, model_type))
    alpha = dict.fromkeys(learner.groups.names, 0.05)
    agrees(inner_loop(learner, alpha=alpha), episode(2), 1e-7 if model_type == "modernbert" else 1e-9)


def agrees(inner: InnerLoop, drawn: Episode, bound: float = 1e-9) -> None:
    ours, theirs = meta_gradient(inner, drawn, KEY), unrolled(inner, drawn)
    first = unrolled(inner, drawn, first_order=True)
    assert apart(first.theta, theirs.theta) > 1e-3  # there is something to be right about
    assert apart(ours.query, first.theta) < bound
    assert apart(whole(ours), theirs.theta) < bound
    assert ours.query_loss == pytest.approx(theirs.loss, rel=1e-6)
    assert ours.slopes == pytest.approx(theirs.log_alpha, rel=1e-7, abs=1e-9)
    if inner.clip:
        assert len({norm > inner.clip for norm in theirs.norms}) == 1


@K
def test_first_order_takes_the_gradient_where_the_steps_led(encoders: dict[str, Source], inner_steps: int) -> None:
    learner = tiny.load(encoders["dropout"])
    inner, drawn = inner_loop(learner, "first", clip=0.5), episode(inner_steps)
    ours, theirs = meta_gradient(inner, drawn, KEY), unrolled(inner, drawn, first_order=True)
    assert ours.correction == {}
    assert apart(ours.query, theirs.theta) < 1e-12
    assert ours.slopes == pytest.approx(theirs.log_alpha, rel=1e-9)


@K
@pytest.mark.parametrize("setting", ["plain", "two groups inside", "clipping active"])
def test_a_finite_difference_is_near_second_order(encoders: dict[str, Source], setting: str, inner_steps: int) -> None:
    """To 1 % of the correction in float32; nearer in float64, where the same rule looks ahead less far.

    Adapters are shorter than the weights, so that the rule looks less far than float32 would need: to 3 %.
    """
    drawn = episode(inner_steps)
    exact = meta_gradient(inner_loop(tiny.load(encoders["dropout"]), **SETTINGS[setting]), drawn, KEY)
    in_float32 = 3e-2 if isinstance(encoders["dropout"], tiny.Adapted) else 1e-2
    for precision, bound in (("fp64", 1e-4), ("fp32", in_float32)):
        learner = tiny.load(encoders["dropout"], precision=precision)
        ours = meta_gradient(inner_loop(learner, "finite-difference", **SETTINGS[setting]), drawn, KEY)
        assert apart(ours.correction, exact.correction) < bound, precision


def test_masks_are_those_of_the_step_and_differ_between_steps_and_episodes() -> None:
    keys = [support_key(KEY, number, k) for number in range(3) for k in range(5)]
    assert len({key.digest() for key in keys}) == 15


def test_one_graph_of_a_support_is_alive_at_a_time(
    encoders: dict[str, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted where graphs are made and products taken: K = 3 has one graph kept from the last inner step."""
    from isogloss.learner.pullback import Pullback

    alive, most = 0, 0
    part, call = Pullback._part, Pullback.__call__

    def counted_part(self: Pullback, position: int) -> Any:
        nonlocal alive, most
        alive += self._kept is None
        most = max(most, alive)
        return part(self, position)

    def counted_call(self: Pullback, vector: Any, *, last: bool = False) -> Any:
        nonlocal alive
        found = call(self, vector, last=last)
        alive -= self._kept is None
        return found

    monkeypatch.setattr(Pullback, "_part", counted_part)
    monkeypatch.setattr(Pullback, "__call__", counted_call)
    meta_gradient(inner_loop(tiny.load(encoders["dropout"]), alpha=ALPHA), episode(3), KEY)
    assert (alive, most) == (0, 1)
