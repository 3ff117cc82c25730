"""What `correlations.answer` found, as tables: layers × distances, or a row for each question with every test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from isogloss.analysis.controls import PRETRAINING
from isogloss.analysis.correlations import BELIEVED, MEAN, POOLED, believed
from isogloss.analysis.pretraining import SMALLEST
from isogloss.analysis.statistics.frame import DEFAULT, TAKE_CONTROLS
from isogloss.analysis.statistics.one_source import PERMUTATION
from isogloss.evaluation.tabular import Cell, Column, Table

_SHOWN = (  # heading, test, coefficient, what is shown
    ("Pearson", "naive", "pearson", "value"),
    ("naive p", "naive", "pearson", "p"),
    ("Mantel p", "Mantel", "pearson", "p"),
    ("p of permutation", PERMUTATION, "pearson", "p"),
    ("its BH", PERMUTATION, "pearson", "p_bh"),
    ("Spearman", "naive", "spearman", "value"),
    ("its naive p", "naive", "spearman", "p"),
    ("MRQAP partial", "MRQAP-DSP", "partial", "value"),
    ("its p", "MRQAP-DSP", "partial", "p"),
    ("mixed model slope", "mixed model", "slope", "value"),
    ("its p", "mixed model", "slope", "p"),
    ("two-way Pearson", DEFAULT, "two-way pearson", "value"),
    ("spectral p", DEFAULT, "two-way pearson", "p"),
    ("its BH", DEFAULT, "two-way pearson", "p_bh"),
)
_TWO = "MRQAP and the mixed model"  # those that take controls
_PRINTED = ("pearson", "spearman")  # of which papers print values


def correlation_tables(answers: pl.DataFrame, printed: pl.DataFrame | None = None) -> Iterator[Table]:
    """Yield the tables of an answer: without same-language pairs first, then with them.

    Args:
        answers: of `correlations.answer`.
        printed: a paper's numbers, of `printed_correlations`, to stand beside.
    """
    for same in (False, True):
        part = answers.filter(pl.col("with_same_language") == same)
        theirs = None if printed is None else printed.filter(pl.col("with_same_language").fill_null(same) == same)
        theirs = None if theirs is None or theirs.is_empty() else theirs
        for (variant,), mine in part.group_by(["variant"], maintain_order=True):
            title = _title(mine, str(variant), same=same)
            if mine["layer"].is_not_null().any() and mine["explanatory"].n_unique() > 1:
                yield _by_layer(mine, title, theirs)
            else:
                yield _by_question(mine, title, theirs)


def _title(part: pl.DataFrame, variant: str, *, same: bool) -> str:
    first = part.row(0, named=True)
    explanatory = "transfer" if first["explanatory"] == "transfer" else "distance"
    outcome = "impact" if part["layer"].is_not_null().any() else "transfer"
    of = f"from {first['source']}" if first["source"] else "all pairs of languages"
    which = "with" if same else "without"
    return f"{variant}: {outcome} and {explanatory}, {of}, {which} same-language pairs"


def _by_layer(part: pl.DataFrame, title: str, printed: pl.DataFrame | None) -> Table:
    """A row for each layer, a column for each distance; a cell has two coefficients with their p-values."""
    names = part["explanatory"].unique(maintain_order=True).to_list()
    columns = [Column("layer"), *(Column(name, many=True) for name in names)]
    rows = []
    for label, mine in _layers(part):
        cells = [Cell(_pair(mine.filter(pl.col("explanatory") == name))) for name in names]
        rows.append((Cell(label), *cells))
        if printed is not None and (found := _printed(printed, label, "pearson", part)):
            rows.append((Cell(f"{label}, printed"), *(Cell(_signed(found.get(name))) for name in names)))
    shown = [("naive", "pearson"), (POOLED, "pearson"), *BELIEVED.items()]
    return Table(title, tuple(columns), tuple(rows), footnotes=(_what_the_cells_are(part), *_footnotes(part, shown)))


def _pair(rows: pl.DataFrame) -> str | None:
    """Pearson's coefficient with its naive p-value; then the coefficient that is believed, with its corrected one."""
    naive = rows.filter(pl.col("test").is_in(["naive", POOLED]), pl.col("coefficient") == "pearson")
    if naive.is_empty() or naive["value"][0] is None:
        return None
    better = believed(rows)
    first = f"{_signed(naive['value'][0])} ({_p(naive['p'][0])})"
    return f"{first}; {_signed(better['value'][0])} ({_p(better['p_bh'][0])})" if better.height else first


def _what_the_cells_are(part: pl.DataFrame) -> str:
    test = next(test for test in BELIEVED if test in part["test"])
    tested = "of two-way residuals" if test == DEFAULT else "the same"
    return (
        f"Pearson's coefficient (naive p, which takes pairs for independent); {tested} (p by {test}, corrected over "
        "layers and distances by Benjamini-Hochberg; in the row of the mean over distances alone)"
    )


def _by_question(part: pl.DataFrame, title: str, printed: pl.DataFrame | None) -> Table:
    """A row for each layer or distance, a column for each test."""
    tests = set(zip(part["test"], part["coefficient"], strict=True))
    shown = [entry for entry in _SHOWN if entry[1:3] in tests]
    layered = part["layer"].is_not_null().any()
    beside = [("value", coefficient) for coefficient in _PRINTED]
    columns = [Column("layer" if layered else "distance"), Column("pairs", "integer")]
    for heading, _, coefficient, what in shown:
        columns.append(Column(heading, "signed" if what == "value" else "p", digits=4 if what == "value" else 3))
        if printed is not None and (what, coefficient) in beside:
            columns.append(Column("printed", "signed", digits=4))
    groups = _layers(part) if layered else ((str(n), rows) for (n,), rows in _by(part, "explanatory"))
    rows = []
    for label, mine in groups:
        cells = [Cell(label), Cell(mine["cells"][0])]
        for _, test, coefficient, what in shown:
            tested = (test, POOLED) if test == "naive" else (test,)
            found = mine.filter(pl.col("test").is_in(tested), pl.col("coefficient") == coefficient)
            cells.append(Cell(found[what][0] if found.height else None))
            if printed is not None and (what, coefficient) in beside:
                theirs = _printed(printed, label if layered else "", coefficient, part)
                cells.append(Cell(theirs.get(mine["explanatory"][0])))
        rows.append(tuple(cells))
    about = [(POOLED, "pearson"), *(entry[1:3] for entry in shown)]
    return Table(title, tuple(columns), tuple(rows), footnotes=tuple(_footnotes(part, about)))


def _layers(part: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each layer's rows under its number, then the mean of all, then the rows of all."""
    for (layer,), rows in _by(part.filter(pl.col("layer").is_not_null()), "layer"):
        yield str(layer), rows
    yield "mean", part.filter(pl.col("outcome") == MEAN)
    pooled = part.filter(pl.col("test") == POOLED)
    if pooled.height:
        yield "rows of all", pooled


def _by(part: pl.DataFrame, column: str) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    return iter(part.group_by([column], maintain_order=True))


def _printed(printed: pl.DataFrame, label: str, coefficient: str, part: pl.DataFrame) -> dict[str, float]:
    """A paper's numbers of one layer ("" for none), by explanatory matrix; of the variant where it has several."""
    found = printed.filter(pl.col("layer") == label, pl.col("coefficient") == coefficient)
    found = found.filter(pl.col("explanatory").is_in(part["explanatory"].unique().to_list()))
    if printed["variant"].n_unique() > 1:
        found = found.filter(pl.col("variant") == part["variant"][0])
    return dict(zip(found["explanatory"], found["value"], strict=True))


def _footnotes(part: pl.DataFrame, shown: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Languages left out, what is controlled for, and the tests that do not hold their level."""
    controlled = bool({test for test, _ in shown} & set(TAKE_CONTROLS))
    for (dropped,), rows in _by(part.filter(pl.col("dropped") != ""), "dropped"):
        without = f"{', '.join(rows['explanatory'].unique(maintain_order=True))} without {dropped}"
        if not set(rows["test"]) <= set(TAKE_CONTROLS):
            yield without
        elif controlled:
            first = rows.row(0, named=True)
            yield f"{_TWO}, of {first['cells']} pairs of {first['languages']} languages: {without}"
    if (controls := part["controls"][0]) and controlled:
        yield f"{_TWO} control for {', '.join(controls.split())}, but for the distance in question"
    if part["sizes_of"][0]:
        yield _sizes(part) if controlled else f"{_TWO}, which control for {PRETRAINING}, are in --format csv"
    for (note,), rows in _by(part.filter(pl.col("note") != ""), "note"):
        pairs = rows.select("test", "coefficient").unique(maintain_order=True).rows()
        if named := [f"{test} ({coefficient})" for test, coefficient in pairs if (test, coefficient) in shown]:
            yield f"{', '.join(named)}: {note}"


def _sizes(part: pl.DataFrame) -> str:
    """Whose sizes are controlled for, and whether they only stand in for those of the runs' encoder."""
    first = part.row(0, named=True)
    said = f"{PRETRAINING}: log₁₀ of the GiB of source and of target that {first['sizes_of']} had read"
    if first["encoder"] not in ("", first["sizes_of"]):
        said += f", in place of those of {first['encoder']}, with which the runs were made"
    elif not first["encoder"]:
        said += "; with which encoder the runs were made is not kept"
    return f"{said}; not read counts as {SMALLEST} GiB"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
