"""`export --format onnx`: what is written, what is said, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from transformers import AutoTokenizer

from cli.conftest import Isogloss, refused
from isogloss.evaluation.calibration import Calibration, tempered
from isogloss.learner.onnx import OnnxModel
from isogloss.store import Store


def test_it_predicts_what_the_run_did_without_isogloss(isogloss: Isogloss, carried: Path, tmp_path: Path) -> None:
    folder, store = tmp_path / "out", Store(carried / "store")
    said = isogloss("export", "tiny/pooled@0", folder, "--format", "onnx", "--store", store.root, "--offline")
    assert said.code == 0, said.err
    assert "test rows in 3 languages and made-up rows" in said.out
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    run = store.resolve_one("tiny/pooled@0")
    kept = Calibration.of(store.run(run.key).calibration)
    assert float(meta["temperature"]) == kept.temperature
    assert (json.loads(meta["labels"]), meta["max_length"], meta["run"]) == (["high", "low"], "16", run.key)
    texts = [json.loads(line)["text"] for line in (carried / "data" / "test-sw.jsonl").read_text().splitlines()]
    given = AutoTokenizer.from_pretrained(folder)(texts, return_tensors="np", padding=True)
    (logits,) = session.run(None, {one.name: given[one.name].astype(np.int64) for one in session.get_inputs()})
    stored = store.predictions([run]).filter(language="sw").select("p0", "p1").to_numpy()
    cooled = np.exp(logits / kept.temperature)
    cooled /= cooled.sum(axis=1, keepdims=True)
    assert np.abs(cooled - tempered(stored, kept.temperature)).max() < 1e-4
    refused(isogloss("export", "tiny/pooled@0", folder, "--format", "onnx", "--store", store.root), "exists already")


def test_int8_says_what_it_costs(
    isogloss: Isogloss, carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = OnnxModel.logits

    def poor(self: OnnxModel, batch: Any) -> Any:
        return logits(self, batch) * (-1 if self.metadata.get("precision") == "int8" else 1)

    monkeypatch.setattr(OnnxModel, "logits", poor)  # so that it costs something: every answer is the other label
    ask = ("export", "tiny/pooled@1", tmp_path / "out", "--format", "onnx", "--int8", "--store", carried / "store")
    said = isogloss(*ask, "--offline", "--rows", "20")
    assert said.code == 0, said.err
    table = {
        line.split()[0]: line.split()[1:] for line in said.out.splitlines() if line.startswith((" de", " en", " sw"))
    }
    assert {language: row[0] for language, row in table.items()} == dict.fromkeys(("de", "en", "sw"), "20")
    for _, before, after, difference in table.values():
        assert float(difference.replace("−", "-")) == pytest.approx(float(after) - float(before))
        assert float(after) == pytest.approx(100 - float(before), abs=5.1)  # rows near the middle may change sides
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx", providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["precision"] == "int8"


@pytest.mark.slow
def test_without_test_rows_it_is_compared_on_made_up_ones(isogloss: Isogloss, carried: Path, tmp_path: Path) -> None:
    """Only int8 cannot do without; `--data` says where they are now."""
    moved = tmp_path / "moved"
    shutil.copytree(carried, moved)
    for path in (moved / "store" / "runs").glob("*/run.json"):
        path.write_text(path.read_text().replace(str(carried / "data"), str(tmp_path / "gone")))
    ask = ("export", "tiny/pooled@0", tmp_path / "out", "--format", "onnx", "--store", moved / "store", "--offline")
    refused(isogloss(*ask, "--int8"), "gone")
    said = isogloss(*ask)
    assert said.code == 0
    assert "compared on made-up rows alone" in said.err
    shutil.rmtree(tmp_path / "out")
    said = isogloss(*ask, "--data", f"files={carried / 'data'}")
    assert (said.code, said.err) == (0, "")
    assert "90 test rows" in said.out


def test_it_refuses(isogloss: Isogloss, carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = ("export", "tiny/pooled@0", tmp_path / "out", "--store", carried / "store", "--offline")
    refused(isogloss(*ask, "--format", "onx"), '"onx"', '"onnx"')
    refused(isogloss(*ask, "--int8"), "--int8", "--format onnx")
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    refused(isogloss(*ask, "--format", "onnx"), "onnxruntime is missing", "isogloss[onnx]")
    assert not (tmp_path / "out").exists()
