"""docs/results_maml.md on few-shot XNLI: what it claims follows from the comparisons that are kept beside it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

DOCS = Path(__file__).parents[2] / "docs"
TEXT = " ".join((DOCS / "results_maml.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("against", "variant", "said", "verdict"),
    [
        (
            "finetune",
            "xla_maml",
            "+0.5 points with these three [+0.1, +0.8] (p = 0.007 with these, 0.219 over seeds",
            0.219,
        ),
        ("finetune", "alpha_0", "beats fine-tuning alone by as much (+0.45)", 0.157),
        ("alpha_0", "xla_maml", "(+0.01 [−0.16, +0.18]; equal within 0.20)", 0.921),
        ("pooled", "xla_maml", "`pooled` (+0.07 [−0.27, +0.42]; equal within 0.57)", 0.702),
        ("pooled", "x_maml", "undecided, +0.07 against −0.12 over `pooled`", 0.465),
    ],
)
def test_a_claim_and_its_comparison(against: str, variant: str, said: str, verdict: float) -> None:
    """Red when runs are added and a sentence is not read again."""
    assert said in TEXT
    name = "" if against == "pooled" else f".against-{against}"
    frame = pl.read_csv(DOCS / "results" / f"liu2021-table3-few-shot{name}.comparisons.csv", infer_schema_length=None)
    [row] = frame.filter(scope="targets", variant=variant).iter_rows(named=True)
    assert (row["seeds"], row["verdict"]) == (3, "undecided")
    assert row["p"] == pytest.approx(verdict, abs=5e-4)
    numbers = [f"{row['difference']:+.{digits}f}".replace("-", "−") for digits in (1, 2)]
    assert any(number in said for number in numbers)
