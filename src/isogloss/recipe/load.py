"""Load a recipe: all that its file can show to be wrong is found here, before anything else is loaded."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from pydantic import ValidationError

from isogloss.errors import Mistake, Mistakes, mistake, nearest
from isogloss.recipe import toml
from isogloss.recipe.analysis import check_sources
from isogloss.recipe.check import check_cell, check_frame
from isogloss.recipe.document import NUMBERS, Document
from isogloss.recipe.model import AXES, Recipe, build
from isogloss.recipe.source import Source, read, shipped, with_profile
from isogloss.recipe.toml import Path
from isogloss.recipe.wording import mistakes_of

__all__ = ["load_recipe", "profiles", "shipped"]


def load_recipe(
    name_or_path: str | pathlib.Path, *, profile: str | None = None, sets: Sequence[str] = (), final: bool = False
) -> Recipe:
    """Return a checked recipe.

    Later ones win: what the file extends, the file, the profile, `sets`, and for a single cell its variant.

    Args:
        name_or_path: a shipped recipe's name, or the path of a TOML file.
        profile: the name of an overlay in the recipe.
        sets: `key=value` with a dotted key, as on the command line.
        final: the recipe of the models that are taken away, called NAME.final: without folds, trained on all rows and
            tested on none, weights kept, and no simple models.

    Raises:
        Mistakes: all that the file can show, at once, in every variant, cell and profile.
    """
    source = read(name_or_path)
    document, mistakes = with_profile(source, profile)
    document, refused = _with_sets(document, sets)
    mistakes = [*source.mistakes, *mistakes, *refused]
    document = _final(document) if final else document
    recipe, found = _checked(document)
    mistakes += found + _in_other_profiles(source, profile)
    if mistakes or recipe is None:
        raise Mistakes(dict.fromkeys(mistakes))
    return recipe


def profiles(name_or_path: str | pathlib.Path) -> tuple[str, ...]:
    """Return the names of a recipe's profiles.

    Raises:
        Mistakes: the recipe cannot be read.
    """
    return tuple(read(name_or_path).profiles)


def _with_sets(document: Document, sets: Sequence[str]) -> tuple[Document, list[Mistake]]:
    parsed = [toml.parse_assignment(text) for text in sets]
    mistakes = [assignment for assignment in parsed if isinstance(assignment, Mistake)]
    values = {toml.dotted(p[0]): p[1] for p in parsed if not isinstance(p, Mistake)}
    variants = values.pop("variants", None)
    if isinstance(variants, list):
        document, refused = _only(document, variants)
        mistakes += refused
    document, refused = document.with_settings(values, "--set ")
    return document, mistakes + refused


def _final(document: Document) -> Document:
    """The document of the models that are taken away."""
    settings = {"final": True, "keep": "all", "name": f"{document.at(('name',))}.final"}
    document = document.without(("axes", "fold")).with_settings(settings, "--final: ")[0]
    trained = [name for name in document.names("variants") if document.variant(name)[0].at(("simple",)) is None]
    if document.names("variants") and not trained:
        remedy = "name one that does: simple models are not taken away"
        raise mistake("no variant trains an encoder", where="--final", remedy=remedy)
    return document.merged({"variants": {name: {} for name in trained}}, "--final: ") if trained else document


def _only(document: Document, variants: list[object]) -> tuple[Document, list[Mistake]]:
    """The document with some of its variants: `--set 'variants=["pooled", "meta_optimizer"]'`."""
    known = document.names("variants")
    place = "--set variants"
    unknown = [name for name in variants if name not in known]
    if unknown:
        return document, [Mistake(f"no variant is called {n!r}", place, nearest(str(n), known)) for n in unknown]
    return document.merged({"variants": {str(name): {} for name in variants}}, "--set "), []


def _in_other_profiles(source: Source, chosen: str | None) -> list[Mistake]:
    mistakes: list[Mistake] = []
    for profile in (None, *source.profiles):
        if profile != chosen:
            document, refused = with_profile(source, profile)
            mistakes += refused + _checked(document)[1]
    return mistakes


def _checked(document: Document) -> tuple[Recipe | None, list[Mistake]]:
    """The recipe if it can be built, and every mistake in it and in each of its cells."""
    recipe, refused = _built(document)
    mistakes = list(refused.values())
    if recipe is None:
        return None, mistakes
    mistakes += check_frame(recipe, document)
    borrowed = False
    sources: set[str] = set()
    for variant, axes in itertools.product(recipe.variants, _axis_values(recipe)):
        changed, more = document.with_axes(axes).variant(variant.name)
        cell, found = _checked_cell(changed, document)
        sources.update(() if cell is None else cell.languages.source)
        borrowed = borrowed or (cell is not None and any(phase.as_long_as for phase in cell.phases))
        mistakes += more + found
    if borrowed:  # phases that lend their length are planned as they are without a variant
        for axes in _axis_values(recipe):
            mistakes += _checked_cell(document.with_axes(axes), document)[1]
    return recipe, mistakes + check_sources(recipe.analyses, sources, document)


def _checked_cell(cell: Document, whole: Document) -> tuple[Recipe | None, list[Mistake]]:
    recipe, refused = _built(cell.settled("default"))
    if recipe is None:
        return None, list(refused.values())
    consequences = _consequences(refused, cell)
    found = check_cell(recipe, cell, whole.names("phases"))
    return recipe, [*refused.values(), *(mistake for mistake in found if mistake.where not in consequences)]


def _axis_values(recipe: Recipe) -> Iterator[dict[str, tuple[str, ...]]]:
    """Every combination of the values of those axes that are right in themselves."""
    axes = {axis: values for axis, values in recipe.axes.items() if axis in AXES}
    for axis in NUMBERS:
        if not all(value[0].isdecimal() for value in axes.get(axis, ())):
            del axes[axis]
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _built(document: Document) -> tuple[Recipe | None, dict[Path, Mistake]]:
    """The recipe without what the model refuses, so that the rest can be checked too; and the refusals."""
    refused: dict[Path, Mistake] = {}
    for _ in range(4):
        try:
            return build(document), refused
        except ValidationError as error:
            found = mistakes_of(error, document)
        refused = found | refused
        for path in found:
            document = document.without(path)
        if ("name",) in found:
            document = document.merged({"name": "nameless"}, "")
    return None, refused


def _consequences(refused: Iterable[Path], document: Document) -> set[str]:
    """Places where a check may only have missed a key that the model refused."""
    return {document.place(part) for path in refused for part in (path, path[:-1]) if part}
