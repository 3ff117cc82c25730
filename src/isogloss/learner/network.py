"""A network of transformers as a function of its parameters and of a key."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from isogloss.keys import Key
from isogloss.learner import checkpointing, dropout, lora
from isogloss.learner.adapters import Adapters
from isogloss.learner.groups import Anatomy
from isogloss.learner.last_layer import first_token_forward
from isogloss.learner.precision import Precision

Params = dict[str, Tensor]


class FunctionalNetwork:
    """Logits as a function of parameters, inputs and a key.

    The module underneath stays in training mode for good: whether anything is dropped depends on the key
    alone.

    Attributes:
        masters: all parameters by name, in the precision's `master` format, detached. To be changed in place
            only, never through `.data`: their version counters tell when a converted copy is stale.
        layers: the modules of the layers, from the bottom.
        parts: where the class keeps its parts.
    """

    def __init__(self, module: Any, parts: Anatomy, precision: Precision, *, recompute: bool) -> None:
        self.module = module.to(precision.master).train()
        self.parts = parts
        self._layers = module.get_submodule(parts.layers)
        self.layers = list(self._layers.children())
        words = module.get_input_embeddings().weight
        self._words = next(name for name, value in module.named_parameters() if value is words)
        self._precision = precision
        self._adapted: dict[str, Any] = {}
        self._randomness = dropout.install(self.module)
        self._every_token = False
        if parts.cut_last_layer:
            last = self.layers[-1]
            last.forward = first_token_forward(last, wanted=lambda: not self._every_token)
        if recompute:
            checkpointing.install(self.layers, self._randomness)
        self._narrowing = _Narrowing(precision.layers) if precision.layers != precision.master else None
        self._narrow_inputs(_linears(self._layers).values())
        self._take_stock()

    def adapt(self, adapters: Adapters, key: Key) -> None:
        """Put low-rank adapters beside linear maps of the layers, which have none yet; the logits stay as they are.

        Raises:
            Mistakes: `peft` is not installed, or a module is not there; nothing has changed then.
        """
        self._adapted = lora.put_in(self._layers, adapters, self.parts.queries_and_values, key)
        dropout.install_beside(self._adapted.values(), self._randomness)
        self._narrow_inputs(self._adapted.values())  # else peft would convert the input of each A once more
        self._take_stock()

    def merge(self) -> None:
        """Make the adapters part of the weights that they stand beside, and take them out."""
        lora.merge(self._layers, self._adapted)
        self._adapted = {}
        self._take_stock()

    def merged(self) -> Params:
        """Return every parameter of the class's own network, adapters added to the weights that they stand beside."""
        return lora.merged(self.masters, self.parts.layers, self._adapted) if self._adapted else self.masters

    def run(self, weights: Params, inputs: Mapping[str, Tensor], key: Key | None, *, hidden: bool = False) -> Any:
        """Run the network.

        Args:
            weights: every parameter, as `weights` and `leaves` return them.
            inputs: the arguments of the network's forward, [B, S] each. Never labels.
            key: names the dropout masks; none drops nothing.
            hidden: return the hidden states of every token too.

        Returns:
            The output of transformers: `logits` [B, C], and `hidden_states`, layers + 1 times [B, S, H], if
            asked for.
        """
        self._every_token = hidden
        arguments = {**inputs, "return_dict": True, "output_hidden_states": hidden}
        with self._randomness.under(key):
            return functional_call(self.module, weights, kwargs=arguments)

    def embed(self, weights: Params, tokens: Tensor) -> Tensor:
        """Return the word embeddings of tokens [B, S], [B, S, H], before positions, norm and dropout."""
        table = self.module.get_input_embeddings()
        return nn.functional.embedding(tokens, weights[self._words], padding_idx=table.padding_idx)

    def weights(self, params: Mapping[str, Tensor]) -> Params:
        """Return every parameter in the format of its place: `params` differentiably, the others' masters."""
        return self.complete({name: value.to(self._format(name)) for name, value in params.items()})

    def complete(self, weights: Params) -> Params:
        """Return `weights`, in the format of their places, together with the masters of all others in theirs."""
        return {name: weights[name] if name in weights else self._frozen(name) for name in self.masters}

    def leaves(self, params: Mapping[str, Tensor]) -> Params:
        """Return detached copies of `params` in the format of their places, to differentiate with respect to."""
        return {name: value.detach().to(self._format(name)).requires_grad_() for name, value in params.items()}

    def _take_stock(self) -> None:
        """Note which parameters there are."""
        self.masters: Params = {name: value.detach() for name, value in self.module.named_parameters()}
        self._narrow = _linear_parameters(self.module, self.parts.layers)
        self._converted: dict[str, tuple[int, Tensor]] = {}

    def _narrow_inputs(self, modules: Iterable[nn.Module]) -> None:
        if self._narrowing is not None:
            for module in modules:
                module.register_forward_pre_hook(self._narrowing)

    def _format(self, name: str) -> torch.dtype:
        return self._precision.layers if name in self._narrow else self._precision.master

    def _frozen(self, name: str) -> Tensor:
        """Return a master in the format of its place, converted at most once while it does not change."""
        master = self.masters[name]
        if master.dtype == self._format(name):
            return master
        version, copy = self._converted.get(name, (-1, master))
        if version != master._version:
            # Outside of inference mode, because a gradient may later need the same copy.
            with torch.inference_mode(False), torch.no_grad():
                copy = master.to(self._format(name))
            self._converted[name] = (master._version, copy)
        return copy


class _Narrowing:
    """Gives linear maps their input in fewer bits; one that several read (queries, keys, values) is converted once."""

    def __init__(self, format_: torch.dtype) -> None:
        self._format = format_
        self._last: tuple[weakref.ref[Tensor], Tensor] | None = None

    def __call__(self, _module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        wide = inputs[0]
        if wide.dtype == self._format:
            return inputs
        if self._last is None or self._last[0]() is not wide:
            self._last = (weakref.ref(wide, self._forget), wide.to(self._format))
        return (self._last[1], *inputs[1:])

    def _forget(self, _gone: weakref.ref[Tensor]) -> None:
        self._last = None


def _linears(layers: nn.Module) -> dict[str, nn.Linear]:
    return {name: module for name, module in layers.named_modules() if isinstance(module, nn.Linear)}


def _linear_parameters(module: nn.Module, layers: str) -> frozenset[str]:
    """Return the names of weights and biases of all linear maps within the layers."""
    return frozenset(
        f"{layers}.{linear}.{name}"
        for linear, part in _linears(module.get_submodule(layers)).items()
        for name, _ in part.named_parameters(recurse=False)
    )
