"""Layer groups: which parameters form the embeddings, each layer, and the head.

Layers count from 1, as in the papers. What a rate, a freeze or a decay speaks of is always one of these
groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from isogloss.errors import mistake, nearest

EMBEDDINGS = "embeddings"
HEAD = "head"


@dataclass(frozen=True)
class Anatomy:
    """Where a class of encoders keeps its parts, as prefixes of parameter names.

    Attributes:
        embeddings: the module whose output enters the first layer.
        layers: the module list of the layers.
        head: the modules above the last layer; the first is the one that reads the hidden states.
        classifier: the linear map whose rows are the labels.
        elsewhere: parameters outside of these, with their group: a group's name, `first` or `last` (layer).
        cut_last_layer: the layers are built like BERT's and the head reads the first token alone, so that the last
            layer need not compute the others.
        token_head: the modules above the last layer of a head that reads every token.
        position_offset: positions that the class's position table reserves before the first token.
        attention: the attention implementation, by its name in transformers; "eager" where the class has its
            own and takes no other.
        queries_and_values: the linear maps within a layer that make the attention's queries and values; of keys too,
            where one map makes all three.
    """

    embeddings: str
    layers: str
    head: tuple[str, ...]
    classifier: str = "classifier"
    elsewhere: tuple[tuple[str, str], ...] = ()
    cut_last_layer: bool = False
    token_head: tuple[str, ...] = ("qa_outputs",)
    position_offset: int = 0
    attention: str = "isogloss"
    queries_and_values: tuple[str, ...] = ("query", "value")

    def with_token_head(self) -> Anatomy:
        """Return the same class under a head that reads every token."""
        return replace(self, head=self.token_head, cut_last_layer=False)


_ROBERTA = Anatomy(
    "roberta.embeddings",
    "roberta.encoder.layer",
    ("classifier",),
    classifier="classifier.out_proj",
    cut_last_layer=True,
    position_offset=2,
)

ANATOMIES: Mapping[str, Anatomy] = {
    "bert": Anatomy("bert.embeddings", "bert.encoder.layer", ("bert.pooler", "classifier"), cut_last_layer=True),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "distilbert": Anatomy(
        "distilbert.embeddings",
        "distilbert.transformer.layer",
        ("pre_classifier", "classifier"),
        queries_and_values=("q_lin", "v_lin"),
    ),
    # The last norm of a pre-norm encoder ends its last layer, as the last norm of BERT's last layer does.
    "modernbert": Anatomy(
        "model.embeddings",
        "model.layers",
        ("head", "classifier"),
        elsewhere=(("model.final_norm", "last"),),
        token_head=("head", "classifier"),
        queries_and_values=("Wqkv",),
    ),
    # The table of relative positions serves every layer; the convolution corrects the output of the first.
    "deberta-v2": Anatomy(
        "deberta.embeddings",
        "deberta.encoder.layer",
        ("pooler", "classifier"),
        elsewhere=(
            ("deberta.encoder.rel_embeddings", EMBEDDINGS),
            ("deberta.encoder.LayerNorm", EMBEDDINGS),
            ("deberta.encoder.conv", "first"),
        ),
        attention="eager",
        queries_and_values=("query_proj", "value_proj"),
    ),
}


def anatomy(model_type: str, where: str) -> Anatomy:
    """Return the anatomy of an encoder class, by the `model_type` of its `config.json`.

    Raises:
        Mistakes: the class is not in the table.
    """
    if model_type not in ANATOMIES:
        raise mistake(
            f'the encoder class "{model_type}" is not supported',
            where=where,
            remedy=f"supported classes: {', '.join(sorted(ANATOMIES))}",
        )
    return ANATOMIES[model_type]


@dataclass(frozen=True)
class LayerGroups:
    """The layer groups of one encoder.

    Attributes:
        names: `embeddings`, `layer.1` … `layer.L`, `head`, from the bottom to the top.
        of: the group of each parameter, by the parameter's name.
    """

    names: tuple[str, ...]
    of: Mapping[str, str]

    @classmethod
    def sort(cls, parameters: Iterable[str], parts: Anatomy, n_layers: int) -> LayerGroups:
        """Sort parameters into their groups.

        Args:
            parameters: the names of all parameters.
            parts: where the encoder class keeps its parts.
            n_layers: L, the number of layers.

        Raises:
            KeyError: a parameter belongs nowhere, which is a fault in the table of anatomies.
        """
        names = (EMBEDDINGS, *(f"layer.{layer}" for layer in range(1, n_layers + 1)), HEAD)
        return cls(names, {name: _group(name, parts, n_layers) for name in parameters})

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of a group's parameters.

        Raises:
            Mistakes: there is no such group.
        """
        if group not in self.names:
            raise mistake(f'no layer group is called "{group}"', where="groups", remedy=nearest(group, self.names))
        return tuple(name for name, owner in self.of.items() if owner == group)

    def movable(self, rates: Mapping[str, float]) -> dict[str, float]:
        """Return rates with 0 for the groups that have no parameters: with adapters, the embeddings."""
        there = set(self.of.values())
        return {group: rate if group in there else 0.0 for group, rate in rates.items()}


def _group(name: str, parts: Anatomy, n_layers: int) -> str:
    if name.startswith(f"{parts.layers}."):
        index = name.removeprefix(f"{parts.layers}.").split(".", 1)[0]
        return f"layer.{int(index) + 1}"
    if name.startswith(f"{parts.embeddings}."):
        return EMBEDDINGS
    if any(name.startswith(f"{module}.") for module in parts.head):
        return HEAD
    for module, group in parts.elsewhere:
        if name.startswith(f"{module}."):
            return {"first": "layer.1", "last": f"layer.{n_layers}"}.get(group, group)
    raise KeyError(f"{name} belongs to no layer group")
