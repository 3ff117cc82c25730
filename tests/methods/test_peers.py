"""The exact meta-gradient against `higher` and TorchOpt, which keep one graph over all inner steps."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from isogloss.data.batch import Batch
from isogloss.keys import Key
from isogloss.learner.learner import Learner
from isogloss.methods.base import Episode
from isogloss.methods.meta_gradient import InnerLoop, meta_gradient, query_key, support_key
from learner import tiny
from methods.unrolled import ALPHA, KEY, apart, episode, inner_loop, mean_loss, whole

Loss = Callable[[nn.Module, Sequence[Batch], Key], Tensor]


class OurForward(nn.Module):
    """A learner's loss as a module's, for peers that want one; dropout follows the key."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.learner = learner
        self.names = tuple(learner.params)
        for position, value in enumerate(learner.params.values()):
            self.register_parameter(f"p{position}", nn.Parameter(value.clone()))

    def forward(self, batches: Sequence[Batch], key: Key) -> Tensor:
        theta = {name: getattr(self, f"p{position}") for position, name in enumerate(self.names)}
        return mean_loss(self.learner, theta, batches, key, train=True)


def our_forward(learner: Learner, folder: Path) -> tuple[nn.Module, Loss]:
    return OurForward(learner), lambda module, batches, key: module(batches, key)


def adapted_forward(learner: Learner, folder: Path) -> tuple[nn.Module, Loss]:
    """The same of a learner with adapters, which a peer takes for a module with few parameters."""
    return our_forward(learner, folder)


def network_of_transformers(learner: Learner, folder: Path) -> tuple[nn.Module, Loss]:
    """The class's own network in evaluation mode, which shares no line with ours."""
    learner.export(folder / "out", card="")
    network = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder / "out", attn_implementation="eager"
    )
    network = network.double().eval()
    learner.update({name: value.detach() for name, value in network.named_parameters()})

    def loss(module: nn.Module, batches: Sequence[Batch], key: Key) -> Tensor:
        (batch,) = batches
        return nn.functional.cross_entropy(module(**batch.inputs).logits, batch.targets["labels"])

    return network, loss


def by_higher(module: nn.Module, loss: Loss, inner: InnerLoop, drawn: Episode) -> list[Tensor]:
    """With a rate for each layer group, and clipping."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import higher

    names = inner.theta
    rates = [
        {"params": [value], "lr": inner.alpha[name]} for name, value in zip(names, module.parameters(), strict=True)
    ]
    with higher.innerloop_ctx(module, torch.optim.SGD(rates), copy_initial_weights=False) as (fast, optimizer):
        for k, batch in enumerate(drawn.support):
            optimizer.step(loss(fast, [batch], support_key(KEY, 0, k)), grad_callback=lambda g: clipped(g, inner.clip))
        query = loss(fast, drawn.query, query_key(KEY, 0))
        return list(torch.autograd.grad(query, list(module.parameters())))


def clipped(gradients: Sequence[Tensor], clip: float) -> list[Tensor]:
    norm = torch.stack([value.square().sum() for value in gradients]).sum().sqrt()
    return [value * (clip / norm) for value in gradients] if 0 < clip < norm else list(gradients)


def by_torchopt(module: nn.Module, loss: Loss, inner: InnerLoop, drawn: Episode) -> list[Tensor]:
    """With one rate for all; its clipping adds 1e-6 to the norm, and is left out."""
    torchopt = pytest.importorskip("torchopt", reason="has no wheel for this Python", exc_type=ImportError)
    (rate,) = set(inner.alpha.values())
    start = list(module.parameters())
    optimizer = torchopt.MetaSGD(module, lr=rate)
    for k, batch in enumerate(drawn.support):
        optimizer.step(loss(module, [batch], support_key(KEY, 0, k)))
    return list(torch.autograd.grad(loss(module, drawn.query, query_key(KEY, 0)), start))


@pytest.mark.parametrize("inner_steps", [1, 2, 5])
@pytest.mark.parametrize("network", [our_forward, adapted_forward, network_of_transformers])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("peer", ["higher", "higher, clipped", "torchopt"])
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_it_is_what_peers_compute(tmp_path: Path, peer: str, recompute: bool, network: Any, inner_steps: int) -> None:
    encoder = tiny.save_encoder(tmp_path / "encoder")
    source = tiny.Adapted(encoder) if network is adapted_forward else encoder
    learner = tiny.load(source, gradient_checkpointing=recompute)
    module, loss = network(learner, tmp_path)
    inner = inner_loop(
        learner,
        alpha=dict.fromkeys(ALPHA, 0.1) if peer == "torchopt" else ALPHA,
        clip=0.5 if peer == "higher, clipped" else 0.0,
        train=network is not network_of_transformers,
        learns=False,
    )
    drawn = episode(inner_steps)
    ours = meta_gradient(inner, drawn, KEY)
    found = (by_torchopt if peer == "torchopt" else by_higher)(module, loss, inner, drawn)
    assert apart(whole(ours), dict(zip(inner.theta, found, strict=True))) < 1e-9
    assert apart(ours.query, whole(ours)) > 1e-3
