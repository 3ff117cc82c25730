"""What a recipe may say: every key with its type, range and default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from isogloss.learner.adapters import Adapters
from isogloss.recipe.analysis import Analysis
from isogloss.recipe.document import Document, to_toml
from isogloss.recipe.phase import Count, Languages, Name, Phase, Rate, Share, Table, TaskReference
from isogloss.wording import refusal

ROLES = ("source", "auxiliary", "target", "selection")
AXES = ("source", "auxiliary", "target", "draw", "fold")


def _axis(values: Any) -> Any:
    """An axis value is a list of languages; one language or a draw's number may stand alone."""
    if not isinstance(values, tuple) or not values:
        raise refusal(f"{values!r} is no axis", 'write a list of values, as [["el"], ["ur"], ["el", "ur"]]')
    return tuple(value if isinstance(value, tuple) else (str(value),) for value in values)


class LanguageRoles(Table):
    """Who plays which part.

    Attributes:
        source: trained on first, as a rule the language with labels.
        auxiliary: adapted on.
        target: tested on; ("all",) for all languages of the evaluation's task, ("grid",) for every cell of a context's
            and a question's language.
        selection: whose labels may choose a step or a setting; never a target's own.
        unlabelled: whose rows have no labels: predicted, never scored.
    """

    source: Languages = ("en",)
    auxiliary: Languages = ()
    target: Languages = ("all",)
    selection: Languages = ()
    unlabelled: Languages | None = None


class Seeds(Table):
    """`together` = n: seeds 0 to n − 1, the same in all phases; `by_phase`: crossed, each phase its own."""

    together: Count | None = None
    by_phase: Mapping[str, Count] = {}

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"by_phase": value} if isinstance(value, Mapping) else {"together": value}


class Development(Table):
    """Rows on which a setting may be chosen: a share of a split's groups, kept from training in every language."""

    split: str = "validation"
    share: Share = 0.2


class Evaluation(Table):
    """What the last weights are tested on: `examples` a language (whole groups; all by default).

    With `development` they are scored on rows of another split, too, which no phase of the recipe is trained on.
    """

    task: TaskReference | None = None
    split: str = "test"
    examples: Count | None = None
    development: Development | None = None


class Variant(Table):
    """A named change to the recipe: phases to skip, keys (dotted paths) to set, keys to unset."""

    name: Name
    description: str = ""
    skip: Languages = ()
    set: Mapping[str, Any] = {}
    unset: tuple[str, ...] = ()


class Recipe(Table):
    """A checked recipe: what `isogloss.recipe.load.load_recipe` returns.

    Attributes:
        name: of the recipe.
        description: one line for `isogloss list`.
        task: name, path of a task file, or table.
        encoder: "mini", a hub name, or a folder.
        seeds: how many, and by which phase.
        draw: which random subset is taken where `on` asks for one.
        keep: which weights stay: "scores" (none), "shared" (of phases that several runs go through), "all".
        final: trained on all rows of every fold and tested on none: the model that is taken away. It is not written
            into a file but asked for (`load_recipe`).
        simple: in place of an encoder that is trained, a simple model that stands beside it, fitted on all that the
            phases would train on: a name in the registry's group `simple`.
        max_length: tokens an example at most.
        precision: "auto" is bf16 where the hardware has it, else fp32.
        adapters: low-rank adapters of every phase that says nothing else; none if not given.
        allow_unknown: share of unknown tokens, 0 to 1, above which a language is refused.
        languages: who plays which part.
        data: folder of a task's files, by task name.
        phases: in order.
        variants: the first is the baseline of every comparison.
        axes: what the recipe is repeated over, by name: values, each a tuple of languages.
        evaluation: what is tested.
        analyses: what is looked at beside the scores.
    """

    name: Name
    description: str = ""
    task: TaskReference
    encoder: str = "mini"
    seeds: Seeds = Seeds.model_validate(1)
    draw: Annotated[int, Field(ge=0)] = 0
    keep: Literal["scores", "shared", "all"] = "scores"
    final: bool | None = None
    simple: str | None = None
    max_length: Annotated[int, Field(ge=8)] = 128
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    adapters: Adapters | None = None
    allow_unknown: Rate = 0.2
    languages: LanguageRoles = LanguageRoles()
    data: Mapping[str, str] = {}
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)] = (Variant(name="default"),)
    axes: Mapping[str, Annotated[tuple[Languages, ...], BeforeValidator(_axis)]] = {}
    evaluation: Evaluation = Evaluation()
    analyses: tuple[Analysis, ...] = ()

    _document: Document = PrivateAttr()

    def phase(self, name: str) -> Phase:
        """Return the phase of that name.

        Raises:
            KeyError: there is none.
        """
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise KeyError(name)

    def for_cell(self, variant: str | None, axes: Mapping[str, tuple[str, ...]]) -> Recipe:
        """Return the recipe with a value of every axis and a variant's changes (None: without) in place.

        The result has no axes, one variant, and the phases that are not skipped; a phase after a skipped one
        comes after what that came after.
        """
        return build(self._document.for_cell(variant, axes))

    def to_toml(self) -> str:
        """Return the effective recipe (profile, `extends`, `--set` worked in) as TOML that loads to it.

        A cell's is for the record: it may name phases that its variant skips, where they lend their length.
        """
        return to_toml(self._document)


def build(document: Document) -> Recipe:
    """Return a document as a recipe.

    Raises:
        pydantic.ValidationError: keys, types or ranges are wrong.
    """
    recipe = Recipe.model_validate(document.plain())
    recipe._document = document
    return recipe
