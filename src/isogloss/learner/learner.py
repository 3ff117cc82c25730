"""The learner (xu2021's word): encoder and head as a function of their parameters, and that function's derivatives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isogloss.data.stream import length_batches
from isogloss.errors import IsoglossError
from isogloss.keys import Key
from isogloss.kinds.base import Kind, Predictions
from isogloss.learner import export, reading
from isogloss.learner.adapters import Adapters
from isogloss.learner.forward import LearnerForward, on_device
from isogloss.learner.groups import HEAD, LayerGroups
from isogloss.learner.loading import check_length, load_network
from isogloss.learner.lora import is_adapter
from isogloss.learner.network import FunctionalNetwork, Params
from isogloss.learner.precision import Precision, resolve
from isogloss.learner.pullback import Part, Pullback

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.batch import Batch
    from isogloss.data.stream import PlacedBatch
    from isogloss.learner.objective import Objective


class Gradient(NamedTuple):
    """The gradient of the mean loss over some batches.

    Attributes:
        values: one tensor a parameter, in the masters' format.
        loss: the mean loss, float32, detached.
        weight: how many examples the mean is over.
    """

    values: Params
    loss: Tensor
    weight: Tensor


class Learner:
    """An encoder with a task's head, seen as a function of its parameters.

    What is passed as `params` is a plain dict, name → tensor in the masters' format; parameters that it does
    not name stand at their masters and are frozen. Every loss is a function of its arguments alone: dropout
    follows the key.

    Attributes:
        params: the float32 masters of all parameters that may move, detached, on the device. Change them with
            `update`, or in place; never through `.data`.
        groups: the layer groups of these.
        adapters: low-rank adapters, if there are any: then they and the head are all that may move.
        labels: the task's label names; logits are in their order.
        kind: of the task at hand, which may be set anew: its loss, and how it decodes and scores; the head is that of
            every kind of this name.
        encoder: the encoder's name, as it was asked for.
        tokenizer: its fast tokenizer.
        precision: in which numbers it computes.
        device: where it computes.
        max_length: how many tokens of an example it reads.
        accumulation: in how many parts a batch's gradient is computed; more parts, less memory.
    """

    accumulation: int = 1

    def __init__(
        self, network: FunctionalNetwork, tokenizer: Any, *, labels: Sequence[str], kind: Kind,
        encoder: str, precision: Precision, device: torch.device, max_length: int,
    ) -> None:  # fmt: skip
        self.labels = tuple(labels)
        self.kind = kind
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.precision = precision
        self.device = device
        self.max_length = max_length
        self._network = network
        self._settle(None)

    @classmethod
    def load(
        cls, encoder: str, *, labels: Sequence[str], kind: Kind, head_key: Key, max_length: int,
        precision: str = "auto", offline: bool = False, gradient_checkpointing: bool = False,
        device: torch.device | None = None,
    ) -> Learner:  # fmt: skip
        """Load an encoder and give it the head of a task.

        Args:
            encoder: "mini", a folder, or a name on the hub.
            labels: the task's label names.
            kind: the task's kind.
            head_key: names the draw of a fresh head; the same key gives the same head, to the bit.
            max_length: how many tokens of an example are read.
            precision: `auto`, `fp32`, `bf16`, or `fp64` for checks of exactness.
            offline: use nothing of the hub but what is in its cache.
            gradient_checkpointing: compute each layer again in the backward pass, for less memory and more
                time.
            device: where to compute; a GPU if there is one, by default.

        Raises:
            Mistakes: the encoder or the precision cannot be had, the checkpoint was trained for other
                labels, or the encoder does not read `max_length` tokens.
        """
        device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        numbers = resolve(precision, device)
        module, tokenizer, parts = load_network(encoder, labels, kind, head_key, offline=offline)
        check_length(max_length, module.config, parts, encoder)
        network = FunctionalNetwork(module.to(device), parts, numbers, recompute=gradient_checkpointing)
        return cls(
            network,
            tokenizer,
            labels=labels,
            kind=kind,
            encoder=encoder,
            precision=numbers,
            device=device,
            max_length=max_length,
        )

    def adapt(self, adapters: Adapters | None, key: Key) -> None:
        """Let low-rank adapters and the head be all that may move from here on; the logits stay as they are.

        Adapters of the same settings that are there already go on as they stand; others are merged into the weights
        first (of the logits, rounding alone changes then). `params` and `groups` are others afterwards.

        Args:
            adapters: what is asked for; none lets everything move.
            key: names the draw of the adapters; the same key gives the same ones, to the bit.

        Raises:
            Mistakes: `peft` is not installed, or the layers lack a module that is to be adapted.
        """
        if adapters == self.adapters:
            return
        if self.adapters is not None:
            self._network.merge()
            self._settle(None)
        if adapters is not None:
            self._network.adapt(adapters, key)
            self._settle(adapters)

    def moving(self, rates: Mapping[str, float]) -> Params:
        """Return the masters (the same tensors) of the groups whose rate is above 0.

        Raises:
            Mistakes: a rate is for no group of this learner.
        """
        members = [self.groups.members(group) for group, rate in rates.items() if rate > 0]
        wanted = {name for names in members for name in names}
        return {name: value for name, value in self.params.items() if name in wanted}

    def loss(
        self, params: Params, batch: Batch, objective: Objective, key: Key, *, train: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Return the sum of a batch's losses and its weight, the number of examples; differentiable in
        `params`.

        Args:
            params: what to differentiate with respect to; the rest stands at its masters.
            batch: the examples.
            objective: what is minimised.
            key: names the dropout masks.
            train: whether to drop anything.
        """
        losses = self._losses(self._network.weights(params), batch, objective, key if train else None)
        return losses.sum(), torch.tensor(float(losses.numel()))

    def gradient(
        self, params: Params, batches: Sequence[Batch], objective: Objective, key: Key, *, train: bool = True
    ) -> Gradient:
        """Return the gradient of the mean loss over all examples of some micro-batches, keeping no graph.

        The backward pass stops below the lowest group that `params` touches.

        Args:
            params: what to differentiate with respect to; the rest stands at its masters.
            batches: micro-batches, computed one after the other; their examples count alike.
            objective: what is minimised.
            key: names the dropout masks, together with each micro-batch's position.
            train: whether to drop anything.
        """
        leaves = self._network.leaves(params)
        weights = self._network.complete(leaves)
        count = sum(map(len, batches))
        loss = torch.zeros((), device=self.device)
        total: Params = {}
        for position, part in enumerate(self._parts(batches)):
            losses = self._losses(weights, part, objective, _micro(key, position) if train else None)
            mean = losses.sum() / count
            _add(total, derivatives(mean, leaves), self.precision.master)
            loss += mean.detach()
        return Gradient(total, loss, torch.tensor(float(count)))

    def linearize(
        self, params: Params, batches: Sequence[Batch], objective: Objective, key: Key,
        *, of: Collection[str] | None = None, train: bool = True,
    ) -> Pullback:  # fmt: skip
        """Return the gradient of the mean loss, and v ↦ H v with the Hessian H of that mean loss at `params`.

        One graph is alive at a time. With one micro-batch it is kept for all products; with several, each use
        computes every micro-batch's graph again, since keeping them all is what micro-batches are to avoid.

        Args:
            params: where to linearise.
            batches: micro-batches, computed one after the other.
            objective: what is minimised.
            key: names the dropout masks, together with each micro-batch's position.
            of: the parameters that the gradient is taken of, which are H's columns; its rows are all of `params`,
                and so are its columns if not given.
            train: whether to drop anything.
        """
        leaves = self._network.leaves(params)
        weights = self._network.complete(leaves)
        count = sum(map(len, batches))
        parts = self._parts(batches)
        columns = leaves if of is None else {name: leaf for name, leaf in leaves.items() if name in of}

        def graph(position: int) -> Part:
            losses = self._losses(weights, parts[position], objective, _micro(key, position) if train else None)
            mean = losses.sum() / count
            return Part(mean, derivatives(mean, columns, create_graph=True))

        return Pullback(graph, leaves, len(parts), self.precision.master)

    def predict(self, bag: Bag, *, params: Params | None = None, max_tokens: int | None = None) -> Predictions:
        """Return the kind's predictions for a bag's examples, in the bag's order; nothing is dropped.

        For text classification `isogloss.kinds.text_classification.LabelPredictions`, for question answering
        `isogloss.kinds.question_answering.AnswerPredictions`.

        Memory beyond the logits does not grow with the bag.

        Args:
            bag: the examples.
            params: parameters to use in place of their masters.
            max_tokens: how many tokens a batch holds at most, padding included; by device if not given.
        """
        logits = reading.placed_logits(self._length_batches(bag, max_tokens), self._plain_forward(params))
        return self.predictions(bag, logits)

    def predictions(self, bag: Bag, logits: Iterable[tuple[NDArray[np.int64], Tensor]]) -> Predictions:
        """Return a bag's predictions from positions [B] in it and logits, part by part, as `observe` yields."""
        return reading.gather(bag, logits, self.kind)

    def observe(
        self,
        bag: Bag,
        *,
        params: Params | None = None,
        pooling: reading.Pooling = "first",
        max_tokens: int | None = None,
    ) -> Iterator[reading.Observation]:
        """Yield logits and hidden states, pooled over tokens, of one forward pass, batch by batch; nothing is dropped.

        Examples come sorted by length, not in the bag's order.

        Args:
            bag: the examples.
            params: parameters to use in place of their masters.
            pooling: the first token, or the mean over tokens without padding.
            max_tokens: how many tokens a batch holds at most, padding included; by device if not given.
        """
        weights = self._network.weights(params or {})

        def run(inputs: Mapping[str, Tensor]) -> Any:
            return self._network.run(weights, inputs, None, hidden=True)

        return reading.observe(self._length_batches(bag, max_tokens), run, self.kind, self.device, pooling)

    def update(self, new: Mapping[str, Tensor]) -> None:
        """Copy values into the masters, in place.

        Raises:
            KeyError: a name is no parameter's.
        """
        with torch.no_grad():
            for name, value in new.items():
                self.params[name].copy_(value)

    def export(self, folder: Path, *, card: str) -> None:
        """Write an ordinary Hugging Face folder: weights, configuration with label names, tokenizer, model
        card; adapters are merged into the weights.

        Args:
            folder: where to; must not exist yet, and exists whole or not at all afterwards.
            card: the text of `README.md`.

        Raises:
            Mistakes: the folder exists, or cannot be written.
        """
        export.export(self._network.module, self._network.merged(), self.tokenizer, folder, card)

    def _settle(self, adapters: Adapters | None) -> None:
        """Note what may move."""
        network = self._network
        groups = LayerGroups.sort(network.masters, network.parts, len(network.layers))
        self.adapters, self.params, self.groups = adapters, network.masters, groups
        if adapters is not None:
            may_move = (name for name, group in groups.of.items() if is_adapter(name) or group == HEAD)
            self.params = {name: network.masters[name] for name in may_move}
            self.groups = LayerGroups(groups.names, {name: groups.of[name] for name in self.params})

    def _length_batches(self, bag: Bag, max_tokens: int | None) -> Iterator[PlacedBatch]:
        # On a CPU, activations of more tokens fall out of the caches; on a GPU, fewer leave it idle.
        of_device = 2048 if self.device.type == "cpu" else 65536
        return length_batches(bag, max_tokens or of_device, self.max_length)

    def _parts(self, batches: Sequence[Batch]) -> list[Batch]:
        return [part for batch in batches for part in batch.split(self.accumulation)]

    def _plain_forward(self, params: Params | None) -> Callable[[Batch], Tensor]:
        weights = self._network.weights(params or {})
        return LearnerForward(self._network, self.kind, weights, None, self.device)

    def _losses(self, weights: Params, batch: Batch, objective: Objective, key: Key | None) -> Tensor:
        forward = LearnerForward(self._network, self.kind, weights, key, self.device)
        return objective(forward, on_device(batch, self.device))


def derivatives(value: Tensor, leaves: Params, *, create_graph: bool = False) -> Params:
    """Return the derivative of a scalar with respect to every leaf.

    Raises:
        IsoglossError: the value does not depend on a leaf, which would then never move.
    """
    if not leaves:
        return {}
    unknown: tuple[Tensor | None, ...] = (None,) * len(leaves)
    if value.requires_grad:
        wanted = list(leaves.values())
        unknown = torch.autograd.grad(value, wanted, create_graph=create_graph, allow_unused=True)
    known = {name: derivative for name, derivative in zip(leaves, unknown, strict=True) if derivative is not None}
    for name in leaves:
        if name not in known:
            raise IsoglossError(f"the loss does not depend on {name}, which was to move")
    return known


def _micro(key: Key, position: int) -> Key:
    return key._replace(micro_batch=position)


def _add(total: Params, part: Params, dtype: torch.dtype) -> None:
    """Add a part's gradient to the total in the masters' format."""
    for name, value in part.items():
        if name in total:
            total[name].add_(value)
        else:
            total[name] = value.to(dtype)
