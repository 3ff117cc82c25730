"""docs/own_data_results.md: tables are those of the frames beside it, and what is said of them is so."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from isogloss.analysis.document import rebuild
from isogloss.evaluation.confidence import read_percents
from isogloss.evaluation.estimates import errors

DOCS = Path(__file__).parents[2] / "docs"
PAGE = " ".join((DOCS / "own_data_results.md").read_text(encoding="utf-8").split())


def frame(name: str) -> pl.DataFrame:
    return read_percents(DOCS / "results" / f"{name}.csv")


def span(low: float, high: float) -> str:
    return f"{low:.1f} to {high:.1f}"


def test_tables_are_those_of_the_frames(tmp_path: Path) -> None:
    page = Path(shutil.copy(DOCS / "own_data_results.md", tmp_path))
    assert not rebuild(page, DOCS / "results")
    page.write_text(page.read_text().replace("| mean |", "| mean typed |", 1))
    assert rebuild(page, DOCS / "results")


def test_what_is_said_of_temperatures() -> None:
    means = (
        frame("massive-arms.calibration").group_by("variant", "language").agg(pl.col("ece", "calibrated_ece").mean())
    )
    for variant in ("source_only", "pooled"):
        part = means.filter(variant=variant)
        for rows in (part, part.filter(language="en"), part.filter(language="sw")):
            before, after = rows.select("ece", "calibrated_ece").mean().row(0)
            assert f"from {span(before, after)}" in PAGE
    temperatures = frame("massive-arms.calibration")["temperature"]
    assert f"T is {min(temperatures):.2f} to {max(temperatures):.2f}" in PAGE
    xnli = frame("xu2021-table1.calibration").filter(variant="source_only")
    before, after = xnli.select("ece", "calibrated_ece").mean().row(0)  # seeds of equal numbers of languages
    assert f"({span(before, after)})" in PAGE
    sure = xnli.group_by("language").agg((pl.col("confidence") - pl.col("accuracy")).mean().alias("gap"))
    gap = dict(sure.iter_rows())
    assert round(sum(gap.values()) / len(gap)) == 5
    assert 9 < min(gap["sw"], gap["ur"]) < max(gap["sw"], gap["ur"]) < 10


def test_what_is_said_of_estimates() -> None:
    massive, xnli = errors(frame("massive-arms.estimates")), errors(frame("liu2021-table7.estimates"))
    for found in (massive, xnli):
        assert span(*found.select(pl.col("estimate").min(), high=pl.col("estimate").max()).row(0)) in PAGE
        assert span(*found.select(pl.col("mean").min(), high=pl.col("mean").max()).row(0)) in PAGE

    def better(found: pl.DataFrame, one: str, other: str) -> int:
        return found.filter(pl.col(one) < pl.col(other)).height

    assert (xnli.height, better(xnli, "confidence", "atc"), better(xnli, "confidence", "estimate")) == (9, 9, 8)
    assert (massive.height, better(massive, "confidence", "atc"), better(massive, "agreement", "confidence")) == (
        11,
        10,
        10,
    )


def test_what_is_said_of_coverage() -> None:
    at = frame("massive-arms.at-coverage").filter(threshold=0.9).group_by("variant", "language")
    right = at.agg((pl.col("coverage") * pl.col("accuracy")).sum() / pl.col("coverage").sum())
    shares = {language: right.filter(language=language)["coverage"].round(0).to_list() for language in ("en", "sw")}
    assert set(shares["en"]) == {94}
    assert set(shares["sw"]) == {73, 78}
