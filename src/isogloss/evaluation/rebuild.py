"""Tables in a Markdown file that are written by the library from small frames kept beside it, never typed.

A block is marked so, with options after the name; what stands between the two lines is replaced:

    <!-- table: xnli show=scores,mean compare=xu2021-table1 -->
    <!-- /table -->

`show` takes any of scores, mean, languages, sentences; without it the first two and the last are shown. Variants are
compared with the first one, or with that of `against=VARIANT`; `only=VARIANT,VARIANT` leaves the others out of the
comparisons, not out of the scores. With `layout=NAME` a layout says what is shown, and how; `format=latex` then shows
its LaTeX.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from isogloss.errors import mistake, nearest
from isogloss.evaluation.blocks import fill
from isogloss.evaluation.comparison import MEANS, read_comparisons
from isogloss.evaluation.comparison_table import difference_tables
from isogloss.evaluation.describe import describe
from isogloss.evaluation.frame import other_metric, read_frame, write_frame
from isogloss.evaluation.layout.read import LayoutFile, read_layout
from isogloss.evaluation.render import Format, render
from isogloss.evaluation.table import of_scores, tables
from isogloss.store.files import write_text

_SHOWN = ("scores", "mean", "languages", "sentences")
_OPTIONS = ("show", "compare", "metric", "source", "against", "only", "layout", "format")

_IN_A_PAGE: Mapping[Format, str] = {"md": "{}", "latex": "```latex\n{}```\n"}


def keep(
    folder: Path,
    name: str,
    scores: pl.DataFrame,
    comparisons: pl.DataFrame,
    settings: Mapping[str, Any] | None = None,
    *,
    against: str | None = None,
) -> None:
    """Write what `rebuild` needs: NAME.scores.csv, NAME.comparisons.csv and, if given, NAME.settings.json.

    Args:
        folder: where to; it exists.
        name: the first part of the files' names.
        scores: a score frame.
        comparisons: a comparison frame of the same runs.
        settings: the recipe's effective setting.
        against: the variant that was asked for as the baseline. Comparisons with it are written to
            NAME.against-VARIANT.comparisons.csv, beside those with the first variant, which stay.
    """
    write_frame(scores, folder / f"{name}.scores.csv")
    write_frame(comparisons, folder / _comparisons(name, against))
    if settings is not None:
        text = json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False)
        write_text(folder / f"{name}.settings.json", text + "\n")


def rebuild(markdown: Path, results: Path) -> bool:
    """Write the marked tables of a Markdown file anew.

    Args:
        markdown: the file; it is changed in place.
        results: the folder of the frames that `keep` wrote.

    Returns:
        Whether anything changed.

    Raises:
        Mistakes: a frame is missing, or an option is unknown.
    """
    return fill(markdown, {"table": partial(block_text, results=results)})


def block_text(head: str, results: Path) -> str:
    """Return what stands in a block, from its name and options.

    Raises:
        Mistakes: a frame is missing, or an option is unknown.
    """
    name, show, options = _asked(head)
    against = options.get("against")
    if "layout" in options:
        return _laid_out(results, name, options, head)
    scores, comparisons, settings = _read(results, name, against)
    shown = of_scores(
        scores,
        comparisons,
        compare=options.get("compare"),
        metric=options.get("metric"),
        settings=settings,
        source=options.get("source") != "no",
    )
    if "only" in options:
        comparisons = _of(comparisons, options["only"].split(","), head)
    parts = {"scores": list(shown)}
    tested = other_metric(scores, options.get("metric"))
    for part, scopes in (("mean", list(MEANS)), ("languages", ["language"])):
        parts[part] = list(difference_tables(comparisons.filter(pl.col("scope").is_in(scopes)), of=tested))
    texts = [describe(comparisons) if part == "sentences" else render(parts[part], "md") for part in show]
    return "\n".join(texts)


def _laid_out(results: Path, name: str, options: Mapping[str, str], head: str) -> str:
    """Return what stands in a block with a layout: Markdown, or LaTeX in a block of code."""
    asked, layout = options.get("format", "md"), read_layout(options["layout"])
    for form, around in _IN_A_PAGE.items():
        if asked == form:
            return around.format(again(results, name, layout, form, against=options.get("against")))
    raise mistake(f'no format "{asked}" in a page', where=f"table: {head}", remedy=nearest(asked, _IN_A_PAGE))


def again(results: Path, name: str, layout: LayoutFile, format: Format, *, against: str | None = None) -> str:
    """Return the tables of kept frames under a layout.

    Args:
        results: the folder of the frames that `keep` wrote.
        name: the first part of the files' names.
        layout: what is shown, and how.
        format: as `render` takes it.
        against: the baseline; the first variant if not given.

    Raises:
        Mistakes: a frame is missing, or the layout names what there is not.
    """
    scores, comparisons, settings = _read(results, name, against)
    made = tables(scores, comparisons, layout=layout, settings=settings)
    return render(made, format, style=layout.style)


def _read(results: Path, name: str, against: str | None) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any] | None]:
    """Scores, comparisons and, where it was kept, the recipe's setting."""
    scores = read_frame(_kept(results, f"{name}.scores.csv", name))
    comparisons = read_comparisons(_kept(results, _comparisons(name, against), name, against))
    kept = results / f"{name}.settings.json"
    return scores, comparisons, json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else None


def _asked(head: str) -> tuple[str, list[str], dict[str, str]]:
    """Return a block's name, what it shows, and its other options."""
    name, *pairs = head.split()
    options = dict(pair.partition("=")[::2] for pair in pairs)
    for option in options:
        if option not in _OPTIONS:
            raise mistake(f'no option "{option}"', where=f"table: {head}", remedy=nearest(option, _OPTIONS))
    show = options.pop("show", "scores,mean,sentences").split(",")
    for part in show:
        if part not in _SHOWN:
            raise mistake(f'"{part}" cannot be shown', where=f"table: {head}", remedy=nearest(part, _SHOWN))
    return name, show, options


def _comparisons(name: str, against: str | None) -> str:
    """Return the name of a file of comparisons.

    Names of variants are safe in one, but where a table holds several recipes they are RECIPE/VARIANT.
    """
    baseline = "" if against is None else f".against-{quote(against, safe='+')}"
    return f"{name}{baseline}.comparisons.csv"


def _kept(results: Path, file: str, name: str, against: str | None = None) -> Path:
    """Return the path of a frame that was kept.

    Raises:
        Mistakes: it was not; says which command keeps it.
    """
    path = results / file
    if not path.is_file():
        chosen = f"{name.removesuffix('.chosen')} --choose AXIS" if name.endswith(".chosen") else name
        baseline = "" if against is None else f" --against {against}"
        command = f"isogloss table {chosen}{baseline} --keep {results}"
        raise mistake("no such file", where=str(path), remedy=f"write it with `{command}`")
    return path


def _of(comparisons: pl.DataFrame, variants: list[str], head: str) -> pl.DataFrame:
    """Return the comparisons of some variants.

    Raises:
        Mistakes: one of them is not compared with anything.
    """
    known = comparisons["variant"].unique(maintain_order=True).to_list()
    for variant in variants:
        if variant not in known:
            raise mistake(f'no row of "{variant}"', where=f"table: {head}", remedy=nearest(variant, known))
    return comparisons.filter(pl.col("variant").is_in(variants))
