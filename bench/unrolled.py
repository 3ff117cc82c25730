"""The closed-form meta-gradient against `higher`, which unrolls the same window of 15 SGD steps."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.child import in_child
from bench.harness import Benchmark, Context, Measurement, Promise, alternate, now
from bench.material import Material, subset

if TYPE_CHECKING:
    from isogloss.data.batch import Batch
    from isogloss.learner.learner import Learner
    from isogloss.methods.base import Episode, Setup
    from isogloss.methods.meta_optimizer import MetaOptimizer

MEMORY = Promise("higher.memory", "memory beyond the model's own, higher / ours, window of 15", 30.0, "at least")
TIME = Promise("higher.time", "time of that window and its meta-gradient, higher / ours", 3.0, "at least")
LEARNING_RATE = 0.05
TOKENS = 45  # the length of an ordinary XNLI pair


def measure(context: Context) -> Iterator[Measurement]:
    """Measure both sides in processes of their own, after one inner step to warm up; time and memory apart."""
    material = Material.of(context)
    work = {
        "window": context.size(15, 2),
        "batch": context.size(8, 2),
        "folder_of_model": str(without_dropout(context)),
    }
    work |= material.arguments()
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "higher": []}

    def seconds(side: str) -> float:
        found[side].append(in_child(f"bench.unrolled:{side}", **work))
        return float(found[side][-1]["seconds"])

    times = alternate(lambda: seconds("ours"), lambda: seconds("higher"), pairs=2)
    first_order = in_child("bench.unrolled:higher", **work, first_order=True)
    same = agreement(found["ours"][0], found["higher"][0], first_order)
    lengths = found["ours"][0]["lengths"]
    details = {
        "rows": (
            f"{material.name}, en + el + ur, those closest to {TOKENS} tokens: batches of {work['batch']}, padded to "
            f"{min(lengths)} to {max(lengths)} tokens"
        ),
        "setting": "float32, SGD, no dropout, embeddings frozen, one learned rate a layer group, plain attention",
        "model, MB": round(found["ours"][0]["model"] / 1e6),
    }
    yield _memory(work, same, details, {side: [run["beyond"] / 1e6 for run in runs] for side, runs in found.items()})
    yield Measurement(TIME, times.theirs_by_ours(), times.ours, times.theirs, "s", same, details)


def _memory(
    work: Mapping[str, Any], same: str, details: Mapping[str, Any], kept: Mapping[str, list[float]]
) -> Measurement:
    """Compare what both sides hold, freed memory given back; `kept` is what they hold where it is not."""

    def beyond(side: str, **more: bool) -> float:
        return float(in_child(f"bench.unrolled:{side}", give_back=True, **work, **more)["beyond"]) / 1e6

    held = alternate(lambda: beyond("ours"), lambda: beyond("higher"), pairs=2)
    tensors = {side: beyond(side, tensors=True) for side in kept}
    ordinary = {side: statistics.median(values) for side, values in kept.items()}
    more = {
        "held by tensors alone, MB": _ratio(tensors),
        "resident where the allocator keeps freed blocks, as it does if it is not told otherwise, MB": _ratio(ordinary),
        "ours where rows come as they are, so that the longest batch decides, MB": round(beyond("ours", mixed=True)),
        "the window": "the first of a round; a later one of ours holds one copy of the moving weights more",
    }
    return Measurement(MEMORY, held.theirs_by_ours(), held.ours, held.theirs, "MB", same, {**details, **more})


def _ratio(megabytes: Mapping[str, float]) -> str:
    ours, theirs = megabytes["ours"], megabytes["higher"]
    return f"{ours:.0f} and {theirs:.0f}, {theirs / ours:.1f} times"


def agreement(ours: dict[str, Any], full: dict[str, Any], first_order: dict[str, Any]) -> str:
    """Say what both sides compute alike, in numbers."""

    def apart(a: list[float], b: list[float]) -> float:
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5 / sum(y**2 for y in b) ** 0.5

    losses = max(abs(ours[name] - full[name]) / abs(full[name]) for name in ("loss", "query_loss"))
    return (
        f"the same batches and first weights: losses of the window and of the query differ by {losses:.0e} (relative); "
        "where higher is given Δθ as constants its meta-gradient is the closed form's up to "
        f"{apart(ours['gradient'], first_order['gradient']):.0e}; what is timed is its full unrolling, whose "
        f"second-order terms, which ours drops as the paper does, are {apart(ours['gradient'], full['gradient']):.0%} "
        "of the meta-gradient here"
    )


def ours(
    window: int, batch: int, folder_of_model: str, mixed: bool = False, tensors: bool = False, **material: str
) -> dict[str, Any]:
    """Search rates over one window with the meta-optimizer.

    Args:
        window: inner steps.
        batch: examples a batch.
        folder_of_model: where both sides load it from.
        mixed: batches of mixed lengths.
        tensors: measure the bytes of tensors in place of resident memory.
        material: where the rows come from.
    """
    from bench.memory import peak, tensor_peak, touch
    from isogloss.keys import Key

    given = Material.read(**material)
    learner = given.learner(encoder=folder_of_model, precision="fp32")
    method, episode = _episode(given, window, batch, mixed)
    setup, key = _setup(learner), Key(0, "bench")
    model = touch(learner.params.values())
    state = method.begin(learner, setup, key)
    method.step(learner, state, [warm_up(episode)], key)
    learner.update(state.theta_0)
    del state
    with (tensor_peak if tensors else peak)() as measured:
        began = now()
        state = method.begin(learner, setup, key)
        log = method.step(learner, state, [episode], key)
        seconds = now() - began
    assert state.phi.grad is not None
    gradient = dict(zip(state.groups, state.phi.grad.tolist(), strict=True))
    return {
        "seconds": seconds,
        "beyond": measured.beyond,
        "model": model,
        "lengths": [batch.inputs["input_ids"].shape[1] for batch in episode.support],
        "loss": log["loss"],
        "query_loss": log["query_loss"],
        "gradient": [gradient[name] for name in sorted(gradient)],
    }


def higher(
    window: int, batch: int, folder_of_model: str, first_order: bool = False, tensors: bool = False, **material: str
) -> dict[str, Any]:
    """Search rates over the same window by unrolling it with `higher`.

    Args:
        window: inner steps.
        batch: examples a batch.
        folder_of_model: where both sides load it from.
        first_order: detach the inner gradients, so that only what the closed form keeps is left.
        tensors: measure the bytes of tensors in place of resident memory.
        material: where the rows come from.
    """
    from bench.memory import peak, tensor_peak, touch

    given = Material.read(**material)
    _, episode = _episode(given, window, batch, mixed=False)
    model, group_of = peer(given, folder_of_model)
    touch(model.parameters())
    _unroll(model, group_of, warm_up(episode), first_order)
    with (tensor_peak if tensors else peak)() as measured:
        began = now()
        found = _unroll(model, group_of, episode, first_order)
        seconds = now() - began
    return {"seconds": seconds, "beyond": measured.beyond, **found}


def _unroll(model: Any, group_of: Mapping[str, str], episode: Episode, first_order: bool) -> dict[str, Any]:
    """Return the losses and the meta-gradient, by group in the order of their names."""
    import higher as library
    import torch

    members: dict[str, list[torch.Tensor]] = {}
    for name, value in model.named_parameters():
        members.setdefault(group_of[name], []).append(value)
    optimizer = torch.optim.SGD([{"params": part} for part in members.values()], lr=LEARNING_RATE)
    device = next(model.parameters()).device
    phi = torch.zeros(len(members), dtype=torch.float64, device=device, requires_grad=True)
    rates = (LEARNING_RATE * phi.sigmoid()).float()
    total = 0.0
    with library.innerloop_ctx(model, optimizer, copy_initial_weights=False, override={"lr": list(rates.unbind())}) as (
        unrolled,
        inner,
    ):
        for batch in episode.support:
            loss = loss_of(unrolled, batch)
            inner.step(loss, grad_callback=_detached if first_order else None)
            total += float(loss.detach()) / len(episode.support)
        query = loss_of(unrolled, episode.query[0])
        (gradient,) = torch.autograd.grad(query, phi)
    by_group = dict(zip(members, gradient.tolist(), strict=True))
    moving = sorted(group for group in members if group != "embeddings")
    return {"loss": total, "query_loss": float(query.detach()), "gradient": [by_group[group] for group in moving]}


def peer(material: Material, folder: str) -> tuple[Any, Mapping[str, str]]:
    """Return transformers' own model with plain attention and its embeddings frozen, and each parameter's layer group.

    Args:
        material: which labels it tells apart.
        folder: where the learner is loaded from, too.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    group_of = material.learner(encoder=folder, precision="fp32").groups.of
    for name, value in model.named_parameters():
        value.requires_grad_(group_of[name] != "embeddings")
    return model.to(device).train(), group_of


def warm_up(episode: Episode) -> Episode:
    """Return the first inner step alone: what torch sets up at the first use of a shape counts for neither side."""
    return episode._replace(support=episode.support[:1])


def _detached(gradients: list[Any]) -> list[Any]:
    return [gradient.detach() if gradient is not None else None for gradient in gradients]


def loss_of(model: Any, batch: Batch) -> Any:
    import torch

    device = next(model.parameters()).device
    inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
    return torch.nn.functional.cross_entropy(model(**inputs).logits, batch.targets["labels"].to(device))


def _setup(learner: Learner) -> Setup:
    from isogloss.methods.base import Setup
    from isogloss.objectives.cross_entropy import CrossEntropy
    from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer

    rates = dict.fromkeys(learner.groups.names, 1.0) | {"embeddings": 0.0}

    def make_optimizer() -> TorchBaseOptimizer:
        return TorchBaseOptimizer(OptimizerSettings("sgd", LEARNING_RATE, {}), learner.moving(rates), learner.groups.of)

    return Setup(rates, CrossEntropy(learner.kind), make_optimizer, lambda step, steps: 1.0)


def _episode(material: Material, window: int, batch: int, mixed: bool) -> tuple[MetaOptimizer, Episode]:
    """Return the method and the first window of its own schedule, with one batch of the surprise language.

    Of each language the rows that are closest to 45 tokens, or any, for batches of mixed lengths.
    """
    import numpy as np

    from isogloss.keys import Key
    from isogloss.methods.meta_optimizer import MetaOptimizer

    method = MetaOptimizer(MetaOptimizer.Settings(rounds=1, window=window, query_examples=batch))
    bags = dict(material.adaptation(10**9))
    for language, bag in bags.items():
        closest = np.argsort(np.abs(bag.lengths - TOKENS), kind="stable")[: batch * window]
        bags[language] = subset(bag, batch * window) if mixed else bag.subset(ids=bag.ids[closest].tolist())
    (episode,) = method.schedule(bags, batch_size=batch, length=None, key=Key(0, "bench"))[0]
    assert len(episode.support) == window
    return method, episode


def without_dropout(context: Context) -> Path:
    """Write the encoder with a head and without dropout, so that both sides compute the same function."""
    folder = context.scratch / "no-dropout"
    if not folder.exists():
        Material.of(context).learner(precision="fp32").export(folder, card="A benchmark's.\n")
        path = folder / "config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        dropped = {name: 0.0 for name in config if name.endswith("dropout_prob")}
        path.write_text(json.dumps(config | dropped), encoding="utf-8")
    return folder


BENCHMARK = Benchmark("higher", (MEMORY, TIME), measure)
