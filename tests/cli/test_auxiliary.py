"""`isogloss analyse auxiliary`, as a shell would call it, on the runs that figure 3 would be."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cli.conftest import Isogloss, refused
from isogloss.analysis import uriel
from isogloss.analysis.selection.expect import expect
from isogloss.analysis.selection.features import pair_features
from isogloss.analysis.selection.observed import Observed
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.analysis.statistics.printed import figure3
from isogloss.evaluation.frame import stack
from isogloss.recipe.load import load_recipe
from isogloss.store import RunSpec, Store

LANGUAGES = ("en", "de", "fr", "ru", "bg", "hi", "ur", "tr")
ASK = ["analyse", "auxiliary"]


def matrix() -> Matrix:
    whole = figure3()
    return Matrix("transfer", LANGUAGES, 100 * whole.take(LANGUAGES))


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run of each source, tested on all languages."""
    root = tmp_path_factory.mktemp("sources") / "store"
    settings = load_recipe("zero-shot-xnli").model_dump(mode="json")
    about = {"name": "sources", "axes": {"source": [[code] for code in LANGUAGES]}, "encoder": "xlm-roberta-base"}
    values = matrix().values
    for row, source in enumerate(LANGUAGES):
        scores = dict(zip(LANGUAGES, values[row].tolist(), strict=True))
        _run(Store(root), source, settings | about, scores)
    return root


def _run(store: Store, source: str, settings: Mapping[str, Any], scores: Mapping[str, float], **given: str) -> None:
    facts = {"recipe": settings["name"], "variant": "default", **given}
    rows = [
        {
            **facts,
            "axis.source": source,
            "seed": "0",
            "seed.source": 0,
            "language": language,
            "role": "source" if language == source else "unseen",
            "metric": "accuracy",
            "value": value,
            "n": 5010,
            "run": f"ab{source}",
        }
        for language, value in scores.items()
    ]
    run = store.run(f"{facts['variant']}{source}")
    about = {"axes": {"source": [source]}, "seeds": {"source": 0}, "seed": "0", "phases": [f"p{source}"]}
    run.begin(RunSpec(**facts, **about, settings=dict(settings)))
    run.finish(stack([pl.DataFrame(rows)]), pl.DataFrame({"id": ["a"]}), {})


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_candidates_are_ranked_by_what_was_measured(isogloss: Isogloss, sources: Path) -> None:
    """Red when the target's own scores count: the same is computed here without them."""
    said = isogloss(*ASK, "sources", "--target", "ur", "--store", sources, "--offline", "--format", "csv")
    assert said.code == 0, said
    rows = table(said.out)
    observed = Observed.of(matrix()).without_language("ur")
    candidates = [code for code in LANGUAGES if code != "ur"]
    features = pair_features(LANGUAGES, LANGUAGES, encoder="xlm-roberta-base")
    found = expect(features, observed, candidates, ["ur"])
    order = np.argsort(-found.gains[:, 0])
    assert [row["auxiliary"] for row in rows] == [candidates[place] for place in order]
    assert float(rows[0]["expected gain"]) == pytest.approx(found.gains[order[0], 0])
    assert float(rows[0]["95 % high"]) == pytest.approx(found.gains[order[0], 0] + found.half_widths[order[0]])
    assert [row["chosen"] for row in rows] == ["yes", *[""] * 6]
    assert rows[0]["because"].startswith("syntactic 0.26 (+")
    assert any("for other targets (" in row["because"] for row in rows)
    notes = said.err.splitlines()
    assert notes[0] == "Learned from sources/default: 7 targets, nothing of ur among it."
    assert any(note.startswith("Sub-word overlap was not measured: facebook/xnli: ") for note in notes)
    assert "Pre-training size: GiB of text that xlm-roberta-base had read." in notes
    assert "phonological unknown, and taken for the mean of the candidates: ur." in notes


def test_an_oracle_is_labelled(isogloss: Isogloss, sources: Path) -> None:
    """Red when the option only labels."""
    words = [*ASK, "sources", "--target", "ur", "--store", sources, "--offline", "--format", "csv"]
    said = isogloss(*words, "--oracle")
    rows = {row["auxiliary"]: row for row in table(said.out)}
    assert {row["expected gain mark"] for row in rows.values()} == {"oracle"}
    assert "‡ the target's own scores were used: no zero-shot choice." in said.err.splitlines()
    assert "nothing of ur" not in said.err
    without = {row["auxiliary"]: float(row["expected gain"]) for row in table(isogloss(*words).out)}
    assert max(abs(float(rows[code]["expected gain"]) - gain) for code, gain in without.items()) > 0.1


def test_a_budget_for_several_targets(isogloss: Isogloss, sources: Path) -> None:
    words = ["--target", "ur", "--target", "bg", "--budget", "2", "--store", sources, "--offline"]
    said = isogloss(*ASK, "sources", *words, "--format", "json")
    (found,) = json.loads(said.out)
    assert found["title"] == "Auxiliary languages for ur, bg, by expected gain"
    assert len(found["rows"]) == 2 * 6
    chosen = {row["auxiliary"] for row in found["rows"] if row["chosen"] == "yes"}
    assert len(chosen) == 2
    assert sorted(found["footnotes"][-1].rstrip(".").split(": ")[1].split(", ")) == sorted(chosen)
    assert {row["target"] for row in found["rows"]} == {"ur", "bg"}


def test_candidates_that_were_never_measured(isogloss: Isogloss, sources: Path) -> None:
    words = ["--target", "ur", "--candidate", "es", "--candidate", "de", "--store", sources, "--offline"]
    rows = {row["auxiliary"]: row for row in table(isogloss(*ASK, "sources", *words, "--format", "csv").out)}
    width = {code: float(row["95 % high"]) - float(row["95 % low"]) for code, row in rows.items()}
    assert width["es"] > width["de"]


def test_the_only_fitting_runs_of_a_store_are_found(isogloss: Isogloss, sources: Path) -> None:
    words = ["--task", "xnli", "--target", "ur", "--store", sources, "--offline"]
    assert "Learned from sources/default: 7 targets" in isogloss(*ASK, *words).out
    said = isogloss(*ASK, *words, "--target", "hi", "--target", "tr", "--target", "bg")
    assert "sources/default" in said.out
    assert "has 4 other targets, too few to learn from" in " ".join(said.out.split())
    assert "Ranked by distance alone" in said.out


def test_with_several_fitting_runs_one_is_to_be_named(isogloss: Isogloss, sources: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    settings = load_recipe("zero-shot-xnli").model_dump(mode="json") | {"name": "two"}
    for variant in ("one", "other"):
        for source in ("en", "de"):
            _run(store, source, settings, {"sw": 1.0}, variant=variant)
    said = isogloss(*ASK, "--task", "xnli", "--target", "ur", "--store", store.root, "--offline")
    assert "has several runs to learn from: name one of two/one, two/other." in " ".join(said.out.split())
    assert "Ranked by distance alone" in said.out


def test_without_runs_distance_alone_ranks(isogloss: Isogloss, project: Path) -> None:
    """With the sub-words of the recipe's own tokenizer, on its own rows."""
    said = isogloss(*ASK, "--recipe", "tiny.toml", "--target", "sw", "--offline", "--format", "md")
    assert said.code == 0, said
    lines = said.out.splitlines()
    assert lines[0] == "**Auxiliary languages for sw, by distance alone (genetic and syntactic)**"
    assert lines[2] == "- Ranked by distance alone: nothing that was measured went into it."
    assert "24 rows of files validation in each language" in lines[3]
    rows = [line for line in lines if line.startswith("| sw | ")]
    assert [row.split(" | ")[1] for row in rows] == ["de"]  # English is the source
    assert "| genetic 1.00; syntactic 0.68 (also known: same script, 0." in rows[0]
    assert "of its sub-words" in rows[0]
    assert not (project / "runs" / "runs").exists()


def test_rankings_are_evaluated_and_kept(isogloss: Isogloss, sources: Path, tmp_path: Path) -> None:
    said = isogloss(
        *ASK, "sources", "--evaluate", "--keep", tmp_path / "k", "--store", sources, "--offline", "--format", "md"
    )
    assert said.code == 0, said
    heads = [line for line in said.out.splitlines() if line.startswith("**")]
    assert len(heads) == 3
    assert "Rank correlation of rankings, sources/default: 8 targets, 56 cells" in heads[0]
    assert "| nearest, genetic | " in said.out
    compared = pl.read_csv(tmp_path / "k" / "sources-xnli.comparison.csv")
    covered = pl.read_csv(tmp_path / "k" / "sources-xnli.coverage.csv")
    assert compared["cells"].unique().to_list() == covered["cells"].unique().to_list() == [56]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--task", "xnli"], "no target"),
        (["--target", "swa", "--task", "xnli"], 'write "sw" (Swahili)'),
        (["--target", "fi", "--task", "xnli"], 'task "xnli" has no language "fi"'),
        (["--target", "sw"], "no candidates"),
        (["--target", "sw", "--task", "xnil"], 'did you mean "xnli"?'),
        (["--target", "sw", "--candidate", "sw"], '"sw" is a target, too'),
        (["--target", "sw", "--task", "xnli", "--recipe", "zero-shot-xnli"], "both --task and --recipe"),
        (["--target", "sw", "--candidate", "de", "--oracle"], "--oracle: no RUNS"),
        (["--target", "sw", "--candidate", "de", "--against", "x"], "--against: no RUNS"),
        (["--evaluate"], "--evaluate: no RUNS"),
        (["--target", "sw", "--candidate", "de", "--profile", "mini"], "--profile: no --recipe"),
        (["--target", "sw", "--candidate", "de", "--format", "cvs"], 'did you mean "csv"?'),
        (["--target", "sw", "--candidate", "de", "--budget", "0"], "--budget"),
        (["some", "--target", "sw"], "no run is here yet"),
        (["some", "--target", "sw", "--task", "xnli"], "both RUNS and --task"),
        (["some", "--target", "sw", "--evaluate"], "both --evaluate and --target"),
    ],
)
def test_mistakes_are_one_line(isogloss: Isogloss, tmp_path: Path, words: list[str], said: str) -> None:
    refused(isogloss(*ASK, *words, "--store", tmp_path, "--offline"), said)


def test_mistakes_about_runs_are_one_line(isogloss: Isogloss, sources: Path) -> None:
    for words, said in (
        (["sources", "--target", "ur", "--metric", "f1"], 'no metric "f1"; known: accuracy'),
        (["sources", "--target", "ur", "--against", "none"], 'no runs of a variant "none"'),
        (["sources", "--target", "ur", "--target", "hi", "--target", "tr", "--target", "bg"], "4 targets other than"),
    ):
        refused(isogloss(*ASK, *words, "--store", sources, "--offline"), said)


def test_distances_need_their_extra(isogloss: Isogloss, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def lacking(name: str) -> None:
        raise uriel.PackageNotFoundError(name)

    monkeypatch.setattr(uriel, "distribution", lacking)
    said = isogloss(*ASK, "--target", "sw", "--candidate", "de", "--store", tmp_path)
    refused(said, "urielplus is not installed", "pip install 'isogloss[analysis]'")
