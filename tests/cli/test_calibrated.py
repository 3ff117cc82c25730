"""Commands that use a run's temperature: predict, abstain, how sure and how often right."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Isogloss, Said, refused
from isogloss.evaluation.calibration import Calibration, expected_calibration_error, tempered
from isogloss.store import Store


def predicted(said: Said) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(said.out), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_predicted_probabilities_are_at_the_temperature(isogloss: Isogloss, carried: Path) -> None:
    store = Store(carried / "store")
    (info,) = store.resolve("tiny/pooled@0")
    kept = Calibration.of(store.run(info.key).calibration)
    assert kept.temperature is not None
    assert (kept.n, kept.languages) == (90, ("en",))
    said = isogloss("predict", info.key, carried / "data" / "test-sw.jsonl", "--store", store.root, "--offline")
    assert f"calibrated: temperature {kept.temperature:.3f}, fitted on 90 validation rows of files in en" in said.err
    stored = store.predictions([info]).filter(language="sw").select("p0", "p1").to_numpy()
    found = np.array([float(row["predicted_probability"]) for row in predicted(said)])
    assert np.abs(found - tempered(stored, kept.temperature).max(axis=1)).max() < 1e-4
    assert np.abs(found - stored.max(axis=1)).max() > 1e-3
    assert "calibrated: temperature" in isogloss("show", info.key, "--store", store.root).out


def test_it_abstains_below_a_probability(isogloss: Isogloss, carried: Path) -> None:
    ask = ("predict", "tiny/pooled@0", carried / "data" / "test-sw.jsonl", "--store", carried / "store", "--offline")
    rows = predicted(isogloss(*ask))
    probabilities = sorted(float(row["predicted_probability"]) for row in rows)
    middle = probabilities[len(rows) // 2]
    said = isogloss(*ask, "--abstain-below", middle)
    empty = [row for row in predicted(said) if row["predicted_label"] == ""]
    assert len(empty) == sum(value < middle for value in probabilities) > 0
    assert f"{len(empty)} of 30 rows have no label" in said.err
    for row, before in zip(predicted(said), rows, strict=True):
        assert row["predicted_probability"] == before["predicted_probability"]
        assert row["predicted_label"] in ("", before["predicted_label"])
    for wrong in ("0", "1.2", "-1"):
        refused(isogloss(*ask, "--abstain-below", wrong), "--abstain-below", "no probability")


def test_a_run_without_a_temperature_says_that_it_has_none(isogloss: Isogloss, made: Path) -> None:
    ask = ("predict", "tiny/pooled@0", made / "data" / "test-sw.jsonl", "--store", made / "store", "--offline")
    said = isogloss(*ask)
    assert said.err == (
        "probabilities are raw: 0 validation rows of files in the source languages beside those trained on, "
        "fewer than 50\n"
    )
    said = isogloss("analyse", "calibration", "tiny/pooled", "--store", made / "store")
    assert "no run has a temperature" in said.out


def test_how_sure_and_how_often_right(isogloss: Isogloss, carried: Path, tmp_path: Path) -> None:
    store = Store(carried / "store")
    ask = ("analyse", "calibration", "tiny", "--store", store.root)
    said = isogloss(*ask, "--format", "csv", "--keep", tmp_path)
    assert (said.code, said.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [(row["seed"], row["language"]) for row in rows] == [(s, x) for s in "01" for x in ("en", "de", "sw")]
    assert len((tmp_path / "tiny.calibration.csv").read_text().splitlines()) == 7
    for row in rows:
        kept = store.predictions(row["run"]).filter(language=row["language"])
        raw, right = kept.select("p0", "p1").to_numpy(), (kept["label"] == kept["prediction"]).to_numpy()
        cooled = tempered(raw, Calibration.of(store.run(row["run"]).calibration).temperature)
        expected = [100 * expected_calibration_error(one.max(axis=1), right) for one in (raw, cooled)]
        assert [float(row["ece"]), float(row["calibrated_ece"])] == pytest.approx(expected)
    text = isogloss(*ask).out
    assert "2 seeds" in text
    assert "fitted on development rows of the source languages alone" in text


def test_accuracy_at_coverage(isogloss: Isogloss, carried: Path, tmp_path: Path) -> None:
    ask = ("analyse", "coverage", "tiny", "--store", carried / "store")
    said = isogloss(*ask, "--at", "0.9,0", "--format", "csv", "--keep", tmp_path)
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert {row["threshold"] for row in rows} == {"0.0", "0.9"}
    assert {row["coverage"] for row in rows if row["threshold"] == "0.0"} == {"100.0"}
    assert (tmp_path / "tiny.at-coverage.csv").is_file()
    assert "all rows" in isogloss(*ask).out
    refused(isogloss(*ask, "--at", "0.5,high"), "--at", "numbers from 0 to 1")
    refused(isogloss(*ask, "--at", "70"), "--at", "numbers from 0 to 1")
