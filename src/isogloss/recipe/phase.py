"""What a recipe may say about a phase: keys, types, ranges, defaults; short forms become tables here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from isogloss.errors import nearest
from isogloss.learner.adapters import Adapters
from isogloss.training.torch_optimizers import OPTIMIZERS
from isogloss.wording import refusal

LENGTHS = ("epochs", "steps", "examples", "as_long_as")
GROUP = re.compile(r"embeddings|head|layer\.[1-9]\d*")


def _group(value: Any) -> Any:
    """A layer group; a bare number k stands for layer k, counted from 1 as in the papers."""
    group = f"layer.{value}" if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(group, str) or not GROUP.fullmatch(group):
        known = ("embeddings", "head", "from", "reduce")
        otherwise = 'groups are "embeddings", "layer.1" to the last layer, and "head"; a number k is layer k'
        raise refusal(f"no layer group is called {value!r}", nearest(str(value), known, otherwise=otherwise))
    return group


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", value):
        raise refusal(f"{value!r} is no name", "names hold letters, digits, and _ . + - only")
    return value


def _task(value: Any) -> Any:
    if not isinstance(value, str | Mapping):
        raise refusal(f"{value!r} is no task", 'write a name, a .toml file, or a table { name = "xnli", path = "…" }')
    return value


def _optimizer(value: str) -> str:
    if value not in OPTIMIZERS:
        raise refusal(f"{value!r} is no choice here", nearest(value, OPTIMIZERS))
    return value


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Name: TypeAlias = Annotated[str, AfterValidator(_name)]
Group: TypeAlias = Annotated[str, BeforeValidator(_group)]
TaskReference: TypeAlias = Annotated[Any, AfterValidator(_task)]
Languages: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Rate: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Smoothing: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
Count: TypeAlias = Annotated[int, Field(ge=1)]


class Table(BaseModel):
    """A table of a recipe: immutable, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class On(Table):
    """Rows: what a phase is trained on, or what its supports are drawn from.

    Attributes:
        task: the recipe's task if not given.
        split: "train", "validation" or "test", as far as the task has them.
        languages: roles ("source", "auxiliary", "target", "selection") or language codes.
        examples: about how many a language, whole groups (premises), the same in every parallel language.
        share: the same as a share, 0 to 1.
        per_label: the same as a number of examples of each label.
    """

    task: TaskReference | None = None
    split: str = "train"
    languages: Languages = ("source",)
    examples: Count | None = None
    share: Share | None = None
    per_label: Count | None = None


class MethodChoice(Table):
    """A method's name and its settings as given; `isogloss.recipe.check` holds them against the method."""

    name: str
    settings: Mapping[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            return {"name": value["name"], "settings": {k: v for k, v in value.items() if k != "name"}}
        raise refusal(
            f"{value!r} names no method",
            'write "finetune", or a table { name = "meta_optimizer", rounds = 10 }',
        )


class Optimizer(Table):
    """The base optimizer f_opt, with the arguments of the torch class of that name; those not given are torch's own.

    Attributes:
        name: one of `isogloss.training.torch_optimizers.OPTIMIZERS`: "adam", "adamw" (decoupled weight decay), "sgd" …
        learning_rate: of a layer group at rate 1 at the top of the schedule.
        betas: of those named after Adam.
        eps: of all but sgd.
        weight_decay: of all; none if not given.
        momentum: of sgd and rmsprop.
        alpha: of rmsprop: smoothing of the squared gradient.
        centered: of rmsprop: whether the gradient is divided by its deviation from its own mean.
        rho: of adadelta: smoothing of the squared gradient.
        lr_decay: of adagrad.
        initial_accumulator_value: of adagrad.
        momentum_decay: of nadam.
        decoupled_weight_decay: of nadam and radam: whether weights decay as in adamw.
    """

    name: Annotated[str, AfterValidator(_optimizer)] = "adamw"
    learning_rate: Positive = 2e-5
    betas: tuple[Smoothing, Smoothing] = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: NotNegative = 0.0
    momentum: Smoothing = 0.0
    alpha: Smoothing | None = None
    centered: bool | None = None
    rho: Smoothing | None = None
    lr_decay: NotNegative | None = None
    initial_accumulator_value: NotNegative | None = None
    momentum_decay: NotNegative | None = None
    decoupled_weight_decay: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, value: Any) -> Any:
        """A name alone is a table; what is not given is the default of the optimizer that is named."""
        given = {"name": value} if isinstance(value, str) else value
        known = OPTIMIZERS.get(str(given.get("name", "adamw"))) if isinstance(given, Mapping) else None
        return {**known.arguments, **given} if known else given

    @model_serializer(mode="wrap")
    def _given(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out arguments that only another optimizer has."""
        return {key: value for key, value in plain(self).items() if value is not None}

    def arguments(self) -> dict[str, Any]:
        """Return the torch class's arguments beside the learning rate: those that this optimizer has."""
        return {key: getattr(self, key) for key in OPTIMIZERS[self.name].arguments}


class Schedule(Table):
    """The learning rate over a phase; `warmup` is the share of the steps in which it rises from 0."""

    name: Literal["constant", "linear", "cosine"] = "constant"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Rates(Table):
    """How much of the base optimizer's update each layer group takes, 0 (frozen) to 1.

    Attributes:
        value: of every group that `groups` does not name.
        groups: by layer group.
        taken_from: `from` in the recipe: the phase whose learned rates are used.
        reduce: "mean" uses the mean of the learned rates for all groups that have moved there.
    """

    value: Rate = 1.0
    groups: Mapping[Group, Rate] = {}
    taken_from: str | None = None
    reduce: Literal["mean"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return {"value": value}
        if "from" in value:
            return {"taken_from" if key == "from" else key: item for key, item in value.items()}
        if "reduce" in value:
            raise refusal('"reduce" stands without "from"', 'write { from = "PHASE", reduce = "mean" }')
        return {"groups": value}


class Select(Table):
    """Which step of a phase is kept: the last, or the best on held-out rows of source or selection languages.

    The rows are held out of this phase alone, so a recipe in which an earlier phase is trained on them is refused: to
    take them from that one, too, would make it another phase, which variants that choose no step could not share.

    Attributes:
        on: "last", "source" or "selection".
        every: steps between two looks.
        held_out: share of the phase's groups (premises) that are kept from training in all languages.
    """

    on: Literal["last", "source", "selection"] = "last"
    every: Count = 100
    held_out: Share = 0.1

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"on": value} if isinstance(value, str) else value


class Phase(Table):
    """One stretch of training; its product is weights or rates, as its method says.

    Attributes:
        name: how other phases, variants and seeds call it.
        after: the phase whose weights it starts from; the encoder and a fresh head if not given.
        on: what it is trained on.
        support: what supports are drawn from, for methods that draw any; the rows of `on` if not given.
        method: how episodes change the learner.
        objective: what is minimised on a batch.
        class_weights: "balanced" weighs each label's loss so that all count alike in what the phase is trained on.
        optimizer: the base optimizer.
        schedule: of the learning rate.
        epochs: length as passes over the pooled data of all its languages; for a method that draws supports, over the
            largest of the query's languages.
        steps: length in updates.
        examples: length in examples seen.
        as_long_as: as many examples as these phases see together, as they are without the variant's changes.
        batch_size: examples an update.
        accumulation: in how many parts of like length an update's gradient is computed; saves memory.
        clip: greatest global norm of the gradients that move; 0 for no clipping.
        adapters: low-rank adapters, which then are, with the head, all that moves; as the recipe says if not given.
        rates: of the layer groups.
        freeze: layer groups at rate 0; numbers are layers.
        freeze_bottom: k freezes the embeddings and layers 1 to k.
        layer_decay: d gives the head rate 1, the last layer d, the one below d², … the embeddings the least.
        gradient_checkpointing: exact, slower, saves memory.
        select: which step is kept.
        precision: in which numbers it computes; as the recipe says if not given.
    """

    name: Name
    after: str | None = None
    on: On = On()
    support: On | None = None
    method: MethodChoice = MethodChoice(name="finetune")
    objective: str = "cross_entropy"
    class_weights: Literal["balanced"] | None = None
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    epochs: Positive | None = None
    steps: Count | None = None
    examples: Count | None = None
    as_long_as: Languages | None = None
    batch_size: Count = 32
    accumulation: Count = 1
    clip: NotNegative = 1.0
    adapters: Adapters | None = None
    rates: Rates = Rates()
    freeze: tuple[Group, ...] = ()
    freeze_bottom: Annotated[int, Field(ge=0)] | None = None
    layer_decay: Annotated[float, Field(gt=0, le=1)] | None = None
    gradient_checkpointing: bool = False
    select: Select = Select()
    precision: Literal["auto", "fp32", "bf16"] | None = None

    @property
    def rows(self) -> tuple[On, ...]:
        """All that it is trained on: `on`, and `support` where that is given."""
        return (self.on,) if self.support is None else (self.on, self.support)

    @property
    def length(self) -> tuple[str, float] | None:
        """Unit ("epochs", "steps" or "examples") and value; None where the method or other phases say it."""
        for unit in LENGTHS[:3]:
            value = getattr(self, unit)
            if value is not None:
                return unit, value
        return None
