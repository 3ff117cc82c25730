"""Low-rank adapters in a network: put in, told from what stands still, and merged. The layers are those of `peft`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from isogloss.errors import Mistake, Mistakes, mistake, nearest
from isogloss.keys import Key
from isogloss.learner.adapters import Adapters

_NAME = "default"  # peft's, of the one adapter that a map has
_BASE = ".base_layer"


def put_in(layers: nn.Module, adapters: Adapters, otherwise: Sequence[str], key: Key) -> dict[str, Any]:
    """Give linear maps within the layers an adapter each, and return what stands in their place, by path.

    A map W named `query` becomes a module of `peft` that holds W as `query.base_layer`, A as `query.lora_A.default` and
    B as `query.lora_B.default`.

    Args:
        layers: the list of the layers.
        adapters: what is asked for.
        otherwise: the modules that get one where `adapters` names none.
        key: names the draw of A; the same key gives the same adapters, to the bit.

    Raises:
        Mistakes: `peft` is not installed, or no linear map of the layers has a name that is asked for; nothing has
            changed then.
    """
    peft = _peft()
    paths = _paths(layers, otherwise if adapters.modules is None else adapters.modules)
    config = peft.LoraConfig(
        r=adapters.rank, lora_alpha=adapters.alpha, lora_dropout=adapters.dropout, target_modules=paths, bias="none"
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key.torch_seed())
        peft.inject_adapter_in_model(config, layers, _NAME)
    del layers.peft_config  # else the next adapters would be taken for a second set beside these
    layers.requires_grad_(False)
    return {path: layers.get_submodule(path) for path in paths}


def merge(layers: nn.Module, adapted: Mapping[str, Any]) -> None:
    """Add the adapters' products to the weights, and put the linear maps back in their places."""
    for path, layer in adapted.items():
        base = layer.get_base_layer()
        with torch.no_grad():
            base.weight.add_(layer.get_delta_weight(_NAME))
        parent, _, name = path.rpartition(".")
        setattr(layers.get_submodule(parent), name, base)


def merged(masters: Mapping[str, Tensor], prefix: str, adapted: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the parameters of the network without adapters that computes the same: W + (alpha / rank) · B A.

    Args:
        masters: all parameters, those of the adapters among them.
        prefix: the path of the layers.
        adapted: as `put_in` returned it.
    """
    plain = {name.replace(f"{_BASE}.", "."): value for name, value in masters.items() if not is_adapter(name)}
    for path, layer in adapted.items():
        with torch.no_grad():
            name = f"{prefix}.{path}.weight"
            plain[name] = plain[name] + layer.get_delta_weight(_NAME)
    return plain


def is_adapter(name: str) -> bool:
    """Return whether a parameter is an adapter's A or B."""
    return name.endswith((f".lora_A.{_NAME}.weight", f".lora_B.{_NAME}.weight"))


def _peft() -> Any:
    try:
        import peft
    except ImportError:
        raise mistake("peft is not installed", where="adapters", remedy="pip install 'isogloss[lora]'") from None
    return peft


def _paths(layers: nn.Module, wanted: Sequence[str]) -> list[str]:
    """Return the paths of the linear maps whose own path within their layer is, or ends in, a name that is wanted."""
    linears = [path for path, module in layers.named_modules() if isinstance(module, nn.Linear)]
    if unknown := list(_unknown(linears, wanted)):
        raise Mistakes(unknown)
    return [path for path in linears if any(f".{path}".endswith(f".{name}") for name in wanted)]


def _unknown(linears: Sequence[str], wanted: Sequence[str]) -> Iterator[Mistake]:
    within = {path.partition(".")[2] for path in linears}
    known = {*within, *(path.rpartition(".")[2] for path in within)}
    for name in wanted:
        if not any(f".{path}".endswith(f".{name}") for path in within):
            what = f'the layers of this encoder have no linear map "{name}"'
            yield Mistake(what, "adapters.modules", nearest(name, known))
