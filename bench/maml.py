"""Meta-gradients: exact second order against `higher`, and a finite difference against first order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench.child import in_child
from bench.harness import Benchmark, Context, Measurement, Pairs, Promise, alternate, now
from bench.material import Material
from bench.unrolled import TOKENS, loss_of, peer, warm_up, without_dropout

if TYPE_CHECKING:
    from isogloss.learner.learner import Learner
    from isogloss.methods.base import Episode
    from isogloss.methods.meta_gradient import InnerLoop

ONE_STEP = Promise("maml.higher-1.time", "exact second order, 1 inner step, time, ours / higher", 1.0, "at most")
MEMORY = Promise(
    "maml.higher-5.memory", "the same, 5 inner steps: memory beyond the model's own, higher / ours", 2.0, "at least"
)
TIME = Promise("maml.higher-5.time", "the same, 5 inner steps, time, ours / higher", 1.5, "at most")
DIFFERENCE_TIME = Promise("maml.difference.time", "finite difference / first order, time", 1.7, "at most")
DIFFERENCE_MEMORY = Promise(
    "maml.difference.memory", "the same, tensors held beyond model and copies of what moves", 1.1, "at most"
)
ALPHA = 1e-3
# What is held of the size of all that moves when the last gradient's activations are: θ'; g, v and θ + ε u.
COPIES = {"first": 1, "finite-difference": 3}
SETTING = f"float32, α = {ALPHA:g}, no dropout, embeddings frozen, plain attention"


def measure(context: Context) -> Iterator[Measurement]:
    """Measure every side in a process of its own, after an inner step on one example to warm up."""
    given = {"batch": context.size(8, 2), "folder_of_model": str(without_dropout(context)), **_arguments(context)}
    (time, _), same, details = _against_higher(context, 1, given)
    yield Measurement(ONE_STEP, time.ours_by_theirs(), time.ours, time.theirs, "s", same, details)
    (time, memory), same, details = _against_higher(context, context.size(5, 2), given)
    yield Measurement(MEMORY, memory.theirs_by_ours(), memory.ours, memory.theirs, "MB", same, details)
    yield Measurement(TIME, time.ours_by_theirs(), time.ours, time.theirs, "s", same, details)
    yield from _difference(context, given)


def _against_higher(
    context: Context, steps: int, given: dict[str, Any]
) -> tuple[tuple[Pairs, Pairs], str, dict[str, Any]]:
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "higher": []}

    def side(name: str) -> float:
        kept = str(context.scratch / f"{name}-{steps}.safetensors")
        found[name].append(in_child(f"bench.maml:{name}", steps=steps, keep=kept, **given))
        return float(found[name][-1]["seconds"])

    time = alternate(lambda: side("ours"), lambda: side("higher"), pairs=context.size(5, 2) if steps == 1 else 2)
    memory = Pairs(*([row["beyond"] / 1e6 for row in found[name]] for name in ("ours", "higher")))
    far = _apart(*(str(context.scratch / f"{name}-{steps}.safetensors") for name in ("ours", "higher")))
    same = f"the same batches and first weights: meta-gradients differ by {far:.0e} (relative)"
    details = {
        "rows": f"{Material.of(context).name}, support and query of {given['batch']}, padded to "
        f"{found['ours'][0]['lengths']} tokens",
        "correction / first order": f"{found['ours'][0]['correction']:.1e}",
        "setting": SETTING,
        "model, MB": round(found["ours"][0]["model"] / 1e6),
    }
    return (time, memory), same, details


def _difference(context: Context, given: dict[str, Any]) -> Iterator[Measurement]:
    orders = ("finite-difference", "first")
    last: dict[str, dict[str, Any]] = {}

    def side(order: str) -> float:
        last[order] = in_child("bench.maml:ours", order=order, steps=1, **given)
        return float(last[order]["seconds"])

    time = alternate(lambda: side(orders[0]), lambda: side(orders[1]), pairs=context.size(5, 2))
    same = "the same batches and first weights, one inner step, the whole meta-gradient"
    yield Measurement(DIFFERENCE_TIME, time.ours_by_theirs(), time.ours, time.theirs, "s", same, {"setting": SETTING})
    held = {order: in_child("bench.maml:ours", order=order, steps=1, tensors=True, **given) for order in orders}
    ours, theirs = ((held[order]["beyond"] - COPIES[order] * held[order]["moves"]) / 1e6 for order in orders)
    details = {
        "setting": SETTING,
        "all tensors beyond the model, MB": f"{held[orders[0]]['beyond'] / 1e6:.0f} and "
        f"{held[orders[1]]['beyond'] / 1e6:.0f}, of which copies: {COPIES[orders[0]]} and {COPIES[orders[1]]} of "
        f"{held['first']['moves'] / 1e6:.0f}",
        "correction / first order": f"{held[orders[0]]['correction']:.1e}",
    }
    yield Measurement(DIFFERENCE_MEMORY, [ours / theirs], [ours], [theirs], "MB", same, details)


def ours(
    steps: int, batch: int, folder_of_model: str, order: str = "second", keep: str = "", tensors: bool = False,
    **material: str,
) -> dict[str, Any]:  # fmt: skip
    """Take the meta-gradient of one episode; runs in a process of its own.

    Args:
        steps: inner steps, each on a support of its own.
        batch: examples a batch.
        folder_of_model: where both sides load it from.
        order: how much of an inner step's derivative is kept.
        keep: a file to write the gradient to.
        tensors: measure the bytes of tensors in place of resident memory.
        material: where the rows come from.
    """
    from bench.memory import peak, tensor_peak, touch
    from isogloss.keys import Key
    from isogloss.methods.meta_gradient import Sum, meta_gradient

    given = Material.read(**material)
    learner = given.learner(encoder=folder_of_model, precision="fp32")
    inner, episode = _inner(learner, order), draw(given, steps, batch)
    model = touch(learner.params.values())
    meta_gradient(inner, warm_up(episode), Key(0, "bench"))
    with (tensor_peak if tensors else peak)() as measured:
        began = now()
        parts = Sum()
        parts.add(meta_gradient(inner, episode, Key(0, "bench")))
        gradient = parts.gradient(1.0)
        seconds = now() - began
    _write(gradient, keep)
    return {
        "seconds": seconds,
        "beyond": measured.beyond,
        "model": model,
        "moves": sum(value.nbytes for value in inner.theta.values()),
        "lengths": [part.inputs["input_ids"].shape[1] for part in (*episode.support, *episode.query)],
        "correction": parts.log()["correction"],
    }


def higher(steps: int, batch: int, folder_of_model: str, keep: str, **material: str) -> dict[str, Any]:
    """Take the same meta-gradient by unrolling the inner steps with `higher`.

    Args:
        steps: inner steps.
        batch: examples a batch.
        folder_of_model: where both sides load it from.
        keep: a file to write the gradient to.
        material: where the rows come from.
    """
    from bench.memory import peak, touch

    given = Material.read(**material)
    episode = draw(given, steps, batch)
    model, _ = peer(given, folder_of_model)
    touch(model.parameters())
    unroll(model, warm_up(episode))
    with peak() as measured:
        began = now()
        gradient = unroll(model, episode)
        seconds = now() - began
    _write(gradient, keep)
    return {"seconds": seconds, "beyond": measured.beyond}


def unroll(model: Any, episode: Episode) -> dict[str, Any]:
    """Return the gradient of the query's loss with respect to the first weights, by name."""
    import higher as library
    import torch

    moving = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = torch.optim.SGD(list(moving.values()), lr=ALPHA)
    with library.innerloop_ctx(model, optimizer, copy_initial_weights=False) as (fast, inner):
        for batch in episode.support:
            inner.step(loss_of(fast, batch))
        found = torch.autograd.grad(loss_of(fast, episode.query[0]), list(moving.values()))
    return dict(zip(moving, found, strict=True))


def draw(material: Material, steps: int, batch: int) -> Episode:
    """Return an episode with supports in English and a query in Greek, of rows that are closest to 45 tokens."""
    import numpy as np

    from isogloss.data.batch import collate
    from isogloss.methods.base import Episode, Pair

    def rows(language: str) -> Any:
        bag = material.bag(language, "validation")
        return bag, np.argsort(np.abs(bag.lengths - TOKENS), kind="stable")[: batch * steps]

    (english, support), (greek, query) = rows("en"), rows("el")
    supports = tuple(collate([(english, support[k * batch : (k + 1) * batch])]) for k in range(steps))
    extra = {"step": 0, "steps": 1, "pair": Pair(("en",), ("el",))}
    return Episode(supports, (collate([(greek, query[:batch])]),), extra)


def _inner(learner: Learner, order: str) -> InnerLoop:
    from isogloss.methods.meta_gradient import InnerLoop
    from isogloss.methods.orders import ORDERS
    from isogloss.objectives.cross_entropy import CrossEntropy

    theta = learner.moving(dict.fromkeys(learner.groups.names, 1.0) | {"embeddings": 0.0})
    objective, alpha = CrossEntropy(learner.kind), dict.fromkeys(theta, ALPHA)
    return InnerLoop(learner, objective, theta, alpha, 0.0, True, ORDERS[order], False)


def _write(gradient: dict[str, Any], path: str) -> None:
    from safetensors.torch import save_file

    if path:
        save_file({name: value.contiguous() for name, value in gradient.items()}, path)


def _apart(ours: str, theirs: str) -> float:
    """‖ours − theirs‖ / ‖theirs‖ of two written gradients."""
    from safetensors.torch import load_file

    a, b = load_file(ours), load_file(theirs)
    assert a.keys() == b.keys()
    difference = sum(float((a[name] - b[name]).square().sum().double()) for name in a)
    return (difference / sum(float(value.square().sum().double()) for value in b.values())) ** 0.5


def _arguments(context: Context) -> dict[str, str | None]:
    return Material.of(context).arguments()


ROWS = (ONE_STEP, MEMORY, TIME, DIFFERENCE_TIME, DIFFERENCE_MEMORY)
BENCHMARK = Benchmark("maml", ROWS, measure)
