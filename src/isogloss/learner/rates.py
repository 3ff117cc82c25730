"""Rates: how much of the base optimizer's update each layer group takes. Torch is not needed to read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from isogloss.errors import Mistake, Mistakes, nearest

Rates = dict[str, float]


def resolve_rates(
    names: Sequence[str],
    base: float | Mapping[str, float] = 1.0,
    freeze: Sequence[int | str] = (),
    freeze_bottom: int | None = None,
    layer_decay: float | None = None,
    *,
    where: str = "rates",
) -> Rates:
    """Return the rate of every layer group, 0 to 1; 0 is frozen.

    Args:
        names: the groups from the bottom to the top: `embeddings`, `layer.1` … `layer.L`, `head`.
        base: one rate for all groups, or rates by group; a group that is not named has rate 1.
        freeze: layers (by number, from 1) and groups (by name) that get rate 0.
        freeze_bottom: k freezes the embeddings and layers 1 to k; 0 freezes the embeddings alone.
        layer_decay: d multiplies the head's rate by 1, layer L's by d, layer L − 1's by d² … and the
            embeddings' by d^(L + 1).
        where: the place of the settings, for messages.

    Raises:
        Mistakes: a group or layer does not exist, or a number is outside of its range; all at once.
    """
    given = base if isinstance(base, Mapping) else dict.fromkeys(names, base)
    frozen = [f"layer.{item}" if isinstance(item, int) else item for item in freeze]
    mistakes = [
        *_unknown(names, given, where),
        *_unknown(names, frozen, f"{where}: freeze"),
        *_outside(given, where),
        *_bad_bottom(names, freeze_bottom, where),
        *_bad_decay(layer_decay, where),
    ]
    if mistakes:
        raise Mistakes(mistakes)
    if freeze_bottom is not None:
        frozen += names[: freeze_bottom + 1]
    top = len(names) - 1
    decay = 1.0 if layer_decay is None else layer_decay
    return {
        name: 0.0 if name in frozen else float(given.get(name, 1.0)) * decay ** (top - height)
        for height, name in enumerate(names)
    }


def _unknown(names: Sequence[str], asked: Mapping[str, float] | Sequence[str], where: str) -> Iterator[Mistake]:
    for name in asked:
        if name not in names:
            yield Mistake(f'this encoder has no layer group "{name}"', where, nearest(name, names))


def _outside(given: Mapping[str, float], where: str) -> Iterator[Mistake]:
    for name, rate in given.items():
        if not 0 <= rate <= 1:
            yield Mistake(f"the rate of {name} is {rate}", where, "choose a number from 0 (frozen) to 1")


def _bad_bottom(names: Sequence[str], bottom: int | None, where: str) -> Iterator[Mistake]:
    n_layers = len(names) - 2
    if bottom is not None and not 0 <= bottom <= n_layers:
        yield Mistake(
            f"the encoder has no {bottom} layers to freeze",
            f"{where}: freeze_bottom",
            f"choose 0 to {n_layers}",
        )


def _bad_decay(decay: float | None, where: str) -> Iterator[Mistake]:
    if decay is not None and not 0 < decay <= 1:
        yield Mistake(f"the decay is {decay}", f"{where}: layer_decay", "choose a number above 0 and up to 1")
