"""What every kind offers, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from isogloss import registry
from isogloss.errors import mistake, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from isogloss.data.bag import Bag
    from isogloss.data.rows import Rows

Columns: TypeAlias = Mapping[str, "Sequence[Any] | NDArray[Any]"]
"""Name → one value an example."""
Predictions: TypeAlias = Any
"""What a kind's `decode` returns; nobody but the kind looks into it."""


class Encoded(NamedTuple):
    """N examples as W windows of T tokens in all; see `isogloss.data.bag.Columns`.

    Attributes:
        windows: where each example's windows start, and the last one's stop: [N + 1] int64.
        offsets: where each window's tokens start, and the last one's stop: [W + 1] int64.
        inputs: name → [T]: what an encoder reads.
        targets: name → [W]: what the loss compares with.
        aside: name → [T]: what of each token is needed to decode predictions.
        texts: name → N texts that are needed for that.
    """

    windows: NDArray[np.int64]
    offsets: NDArray[np.int64]
    inputs: Mapping[str, NDArray[Any]]
    targets: Mapping[str, NDArray[np.int64]]
    aside: Mapping[str, NDArray[Any]]
    texts: Mapping[str, Sequence[str]]


class Kind(Protocol):
    """What a task asks of a model. Implementations import torch within their functions only.

    Attributes:
        name: the name under which the kind is registered.
        version: an integer that changes whenever the kind computes something else; part of content keys.
        auto_class: the class of transformers whose heads serve this kind.
        pipeline_tag: what the hub calls it.
        widget: what a model's page on the hub calls the texts that it is tried on.
        gold: what a row must have, "label" or "answers".
        reads_every_token: whether the head reads the hidden state of every token, not of an example's first alone.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    auto_class: ClassVar[str]
    pipeline_tag: ClassVar[str]
    widget: ClassVar[tuple[str, ...]]
    gold: ClassVar[Literal["label", "answers"]]
    reads_every_token: ClassVar[bool]

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it was made with, defaults included, as plain values; part of content keys where there are any."""

    @property
    def primary(self) -> str:
        """The metric that a step is chosen by and that variants are compared in."""

    @property
    def added(self) -> tuple[str, ...]:
        """The names of the columns that `answers` returns."""

    def check_language(self, language: str, where: str) -> None:
        """Refuse a language that predictions could not be scored in.

        Raises:
            Mistakes: it is one; the place is `where`.
        """

    def check_length(self, max_length: int, where: str) -> None:
        """Refuse a greatest number of tokens that the settings do not go with.

        Raises:
            Mistakes: it is one; the place is `where`.
        """

    def head_size(self, labels: Sequence[str]) -> int:
        """Return how many numbers the head gives for a window, or for a token of it."""

    def encode(self, rows: Rows, tokenizer: Any, max_length: int) -> Encoded:
        """Turn examples into windows of at most `max_length` tokens, without padding.

        Raises:
            Mistakes: rows that cannot be encoded.
        """

    def logits(self, output: Any, mask: Tensor) -> Tensor:
        """Return the scores in what the network of transformers returns: [W, C], or [W, S, C] of every token.

        Args:
            output: of the network.
            mask: which tokens are there: [W, S].
        """

    def loss(self, logits: Tensor, targets: Mapping[str, Tensor], example: Tensor) -> Tensor:
        """Return one loss an example, in nats, in float32 at least: [B].

        Args:
            logits: as `logits` returns them.
            targets: as `encode` returns them: [W] each.
            example: which example each window is of, ascending from 0: [W].
        """

    def decode(self, bag: Bag, scores: NDArray[np.float32]) -> Predictions:
        """Return predictions of a bag's examples.

        Args:
            bag: the examples.
            scores: of its windows [W, C], or of their tokens [T, C], in the bag's order.
        """

    def outcome(self, bag: Bag, predictions: Predictions) -> Columns:
        """Return what is kept of each prediction, and how right it is, as columns.

        That is `label` and `prediction` where an example is right or wrong, otherwise `value`, its score in percent.

        Args:
            bag: the examples, whose labels or answers are known.
            predictions: what `decode` returned, of a learner of the same kind, whatever its settings.
        """

    def metrics(self, outcome: Columns) -> dict[str, float]:
        """Return the kind's metrics by name, in percent, the first of them `primary`."""

    def collapsed(self, outcome: Columns, labels: Sequence[str]) -> str | None:
        """Return the only thing ever predicted, in words, where that cannot be right; None if there is more."""

    def answers(self, bag: Bag, predictions: Predictions, labels: Sequence[str]) -> Columns:
        """Return what a user is told of each prediction."""


@runtime_checkable
class Calibrates(Protocol):
    """A kind whose outcome has a probability of each label, p0 …, that one temperature calibrates."""

    def tempered(self, predictions: Predictions, temperature: float) -> Predictions:
        """Return predictions with probabilities at a temperature T, of softmax(z/T)."""


def kind_of(name: str, settings: Mapping[str, Any], where: str) -> Kind:
    """Return a kind.

    Args:
        name: that it is registered under.
        settings: its own.
        where: the place that a message names.

    Raises:
        Mistakes: there is no such kind, or it has no such setting or value.
    """
    made = registry.load("kinds", name)
    known = tuple(getattr(made, "__dataclass_fields__", ()))
    for key in settings:
        if key not in known:
            remedy = nearest(key, known) if known else "leave it out"
            raise mistake(f'the kind "{name}" has no setting "{key}"', where=where, remedy=remedy)
    try:
        kind: Kind = made(**settings)
    except ValidationError as fault:
        error = fault.errors()[0]
        key = ".".join(map(str, error["loc"]))
        what = f"{error['msg'].removeprefix('Value error, ')} (found {error['input']!r})"
        raise mistake(what, where=f"{where}: kind.{key}", remedy="mend the value") from None
    return kind
