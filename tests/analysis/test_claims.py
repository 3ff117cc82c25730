"""docs/claims.md: its verdicts follow from rows that are kept, and its numbers from scores, by another way."""

from __future__ import annotations

import re
import shutil
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from isogloss.analysis.claims import Claim, finding, read_claims
from isogloss.analysis.document import rebuild
from isogloss.errors import Mistakes
from isogloss.evaluation.frame import primary_metric

DOCS = Path(__file__).parents[2] / "docs"
KEPT = DOCS / "results"
CLAIMS = read_claims(KEPT)
NUMBER = re.compile(r"[+−]\d+\.\d+")


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_the_page_holds_what_is_kept(tmp_path: Path) -> None:
    """Red when a number is typed, or a frame was kept anew."""
    page = Path(shutil.copy(DOCS / "claims.md", tmp_path))
    assert not rebuild(page, KEPT)
    text = page.read_text(encoding="utf-8")
    assert all(claim.claim in text for claim in CLAIMS)


def mean(scores: pl.DataFrame, variant: str) -> float:
    """A variant's mean over targets that no variant has seen, and over seeds, from the scores alone."""
    mine = scores.filter(variant=variant)
    return float(mine.group_by("language").agg(pl.col("value").mean())["value"].mean())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "claim",
    [claim for claim in CLAIMS if claim.comparisons and ".chosen" not in claim.comparisons],
    ids=lambda claim: claim.claim[:50],
)
def test_a_difference_is_that_of_the_scores(claim: Claim) -> None:
    """The means of two variants over the targets that both have unseen, seeds and draws averaged: no test needed."""
    assert claim.comparisons is not None
    name, _, against = claim.comparisons.partition(".against-")
    scores = pl.read_csv(KEPT / f"{name}.scores.csv", infer_schema_length=None)
    scores = scores.filter(metric=primary_metric(scores))
    if claim.auxiliary is not None:
        scores = scores.filter(pl.col("axis.auxiliary") == claim.auxiliary)
    baseline = against or scores["variant"][0]
    pair = scores.filter(pl.col("variant").is_in([claim.variant, baseline]))
    if "unseen" in pair["role"].to_list() and "few" not in name:
        seen = pair.filter(pl.col("role") != "unseen")["language"].unique()
        pair = pair.filter(~pl.col("language").is_in(seen.to_list()))
    difference = mean(pair, claim.variant) - mean(pair, baseline)
    shown = number(NUMBER.findall(finding(claim, KEPT).numbers)[0])
    assert shown == pytest.approx(-difference if claim.reversed else difference, abs=0.0051)


@pytest.mark.parametrize(
    ("table", "auxiliary", "method", "against", "without", "size"),
    [
        ("xu2021-table1", "el+ur", "meta_optimizer", ("finetune", "el+ur"), set(), 0.57),
        ("liu2021-table3-zero-shot", "hi", "XLA-MAML", ("finetune", None), {"en", "hi"}, 3.1),
        ("liu2021-table3-zero-shot", "hi", "XLA-MAML", ("X-MAML", "hi"), {"en", "hi"}, 1.3),
        ("liu2021-table4-zero-shot", "hi", "XLA-MAML", ("finetune", None), {"en", "hi"}, 4.9),
        ("liu2021-table4-zero-shot", "hi", "X-MAML", ("finetune", None), {"en", "hi"}, 3.7),
        ("liu2021-table4-zero-shot", "hi", "XLA-MAML", ("X-MAML", "hi"), {"en", "hi"}, 1.2),
        ("liu2021-table6", "hi", "XLA-MAML cover", ("XLA-MAML random", "hi"), set(), 1.0),
        ("liu2021-table6", "bg+de", "XLA-MAML cover", ("XLA-MAML random", "bg+de"), set(), 0.4),
        ("liu2021-table7", "hi", "XLA-MAML parallel", ("XLA-MAML not parallel", "hi"), set(), 0.7),
        ("liu2021-table7", "bg+de", "XLA-MAML parallel", ("XLA-MAML not parallel", "bg+de"), set(), 0.1),
    ],
)
def test_a_printed_size_is_that_of_the_papers_table(
    table: str, auxiliary: str, method: str, against: tuple[str, str | None], without: set[str], size: float
) -> None:
    """The mean over the languages that the paper prints, as our claims round it; and the claims say just these."""
    frame = pl.read_csv(str(files("isogloss.evaluation") / "reference" / f"{table}.csv"))
    frame = frame.filter(~pl.col("language").is_in(["avg", *without]))

    def printed(name: str, axis: str | None) -> float:
        mine = frame.filter(pl.col("method") == name, pl.col("auxiliary").eq_missing(axis))
        metric = "accuracy" if "accuracy" in mine.columns else "mlqa_f1"
        return float(mine[metric].mean())  # type: ignore[arg-type]

    difference = printed(method, auxiliary) - printed(*against)
    assert round(difference, 2 if size == 0.57 else 1) == size
    paper = table.partition("-")[0]
    assert size in {claim.printed for claim in CLAIMS if claim.paper == paper}


@pytest.mark.parametrize(
    ("sign", "margin", "size", "row", "verdict"),
    [
        (1, 0.0, None, ("better", 2.0, "3 seeds", 1.0), "**shown**"),
        (1, 0.0, None, ("worse", 2.0, "3 seeds", -1.0), "opposite"),
        (1, 0.0, 0.5, ("undecided", 0.6, "3 seeds", 0.1), "undecided"),
        (1, 0.0, 0.5, ("undecided", 0.4, "3 seeds", 0.1), "not at the printed size"),
        (1, 0.0, None, ("undecided", 0.4, "3 seeds", 0.1), "undecided"),
        (0, 0.5, None, ("undecided", 0.4, "3 seeds", 0.1), "**shown**"),
        (0, 0.5, None, ("better", 0.4, "3 seeds", 0.3), "**shown**"),
        (0, 0.5, None, ("undecided", 0.6, "3 seeds", 0.1), "undecided"),
        (0, 0.5, None, ("worse", 0.9, "3 seeds", -0.7), "opposite"),
        (1, 0.0, None, ("better", 2.0, "1 seed", 1.0), "**shown** with one seed"),
        (1, 0.0, None, ("worse", 2.0, "3 seeds and 1 source seed", -1.0), "opposite with one source seed"),
        (1, 0.0, None, ("worse", 2.0, "3 seeds and 2 source seeds", -1.0), "opposite"),
    ],
)
def test_what_a_verdict_means(
    tmp_path: Path, sign: int, margin: float, size: float | None, row: tuple[str, float, str, float], verdict: str
) -> None:
    name = "liu2021-support"
    frame = pl.read_csv(KEPT / f"{name}.comparisons.csv", infer_schema_length=None)
    said, within, conditional, difference = row
    change = (
        pl.lit(said).alias("verdict"),
        pl.lit(within).alias("equivalent_within"),
        pl.lit(conditional).alias("conditional"),
        pl.lit(difference).alias("difference"),
    )
    frame.with_columns(*change).write_csv(tmp_path / f"{name}.comparisons.csv")
    variant = "xla_maml_mnli"
    claim = Claim("p", "t", "c", "l", sign, name, variant, printed=size, margin=margin)
    assert finding(claim, tmp_path).verdict == verdict
    turned = Claim("p", "t", "c", "l", -sign, name, variant, reversed=True, printed=size, margin=margin)
    assert finding(turned, tmp_path).verdict == verdict
    assert number(NUMBER.findall(finding(turned, tmp_path).numbers)[0]) == -difference


def test_a_claim_that_names_no_row_is_refused() -> None:
    with pytest.raises(Mistakes, match="0 rows speak of it"):
        finding(Claim("p", "t", "c", "l", 1, "liu2021-support", "no_such_variant"), KEPT)


def test_a_claim_without_a_frame_was_not_tried() -> None:
    assert finding(Claim("p", "t", "c", "l", 1), KEPT).verdict == "not tried"
