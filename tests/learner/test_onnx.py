"""A learner as ONNX: the same logits whatever the shape, and what the file says of itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import transformers

from isogloss.errors import Mistakes
from isogloss.kinds.question_answering import QuestionAnswering
from isogloss.learner import onnx as module
from isogloss.learner.learner import Learner
from isogloss.learner.onnx import MODEL, OnnxModel, described, write_int8, write_onnx
from learner import tiny

Encoder = Callable[[str], Path]


def written(encoder: Path, folder: Path, *, kind: Any = tiny.KIND, **settings: Any) -> tuple[Learner, Path]:
    """A learner whose weights have moved, its ordinary export and its ONNX folder."""
    labels = tiny.LABELS if kind is tiny.KIND else ()
    learner = tiny.load(encoder, precision="fp32", kind=kind, labels=labels)
    learner.update({name: value + 0.1 for name, value in tiny.everything(learner).items()})
    learner.export(folder / "ordinary", card="# A card\n")
    metadata = described(kind, labels, 1.25, "abc")
    write_onnx(folder / "ordinary", folder / "out", kind, max_length=32, metadata=metadata, **settings)
    return learner, folder / "out"


@pytest.mark.parametrize(
    "model_type", ["bert", *(pytest.param(one, marks=pytest.mark.slow) for one in tiny.CLASSES if one != "bert")]
)
def test_it_has_the_learners_logits_whatever_the_shape(encoder: Encoder, tmp_path: Path, model_type: str) -> None:
    """Read without Isogloss, as a server would; every second row is padded."""
    learner, folder = written(encoder(model_type), tmp_path)
    session = onnxruntime.InferenceSession(folder / MODEL, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", "sequence"]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "ordinary").eval()
    for rows, length in ((1, 4), (5, 9), (2, 31)):
        batch = tiny.batch(rows, length).inputs
        given = {
            one.name: batch.get(one.name, torch.zeros_like(batch["input_ids"])).numpy() for one in session.get_inputs()
        }
        (logits,) = session.run(["logits"], given)
        with torch.no_grad():
            ordinary = model(**batch).logits.numpy()
        assert np.abs(logits - ordinary).max() < 1e-4
    bag = tiny.bag((9, 3, 12, 7))
    ours = OnnxModel(folder / MODEL, tiny.KIND).predict(bag, 32)
    assert np.abs(ours.logits - learner.predict(bag).logits).max() < 1e-4


def test_the_file_says_what_it_is_and_its_tokenizer_lies_beside(encoder: Encoder, tmp_path: Path) -> None:
    learner, folder = written(encoder("bert"), tmp_path)
    meta = OnnxModel(folder / MODEL, tiny.KIND).metadata
    assert json.loads(meta["labels"]) == list(tiny.LABELS)
    assert (meta["max_length"], meta["temperature"], meta["precision"]) == ("32", "1.25", "float32")
    assert (meta["kind"], meta["run"]) == ("text_classification", "abc")
    assert transformers.AutoTokenizer.from_pretrained(folder)("w5 w6")["input_ids"] == [0, 5, 6, 2]
    assert (folder / "README.md").read_text() == "# A card\n"
    assert not list(folder.glob("*.safetensors"))
    assert "temperature" not in described(tiny.KIND, tiny.LABELS, None, "abc")
    onnx.checker.check_model(onnx.load(folder / MODEL), full_check=True)
    del learner


def test_answers_have_two_outputs(encoder: Encoder, tmp_path: Path) -> None:
    kind = QuestionAnswering(stride=3, max_answer_tokens=6)
    _, folder = written(encoder("bert"), tmp_path, kind=kind)
    session = onnxruntime.InferenceSession(folder / MODEL, providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_outputs()] == ["start_logits", "end_logits"]
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "ordinary").eval()
    batch = tiny.batch(5, 9).inputs
    given = {
        one.name: batch.get(one.name, torch.zeros_like(batch["input_ids"])).numpy() for one in session.get_inputs()
    }
    starts, ends = session.run(None, given)
    with torch.no_grad():
        output = model(**batch)
    seen = batch["attention_mask"].numpy() == 1
    assert np.abs(starts - output.start_logits.numpy())[seen].max() < 1e-4
    assert np.abs(ends - output.end_logits.numpy())[seen].max() < 1e-4
    read = OnnxModel(folder / MODEL, kind).logits(tiny.batch(5, 9))
    assert torch.isinf(read[~torch.from_numpy(seen)]).all()


def test_int8_is_smaller_and_near(encoder: Encoder, tmp_path: Path) -> None:
    learner, whole = written(encoder("bert"), tmp_path)
    folder = tmp_path / "small"
    write_int8(whole, folder)
    reader = OnnxModel(folder / MODEL, tiny.KIND)
    assert reader.metadata == {**OnnxModel(whole / MODEL, tiny.KIND).metadata, "precision": "int8"}
    assert {path.name for path in folder.iterdir()} == {path.name for path in whole.iterdir()}
    with pytest.raises(Mistakes, match="exists already"):
        write_int8(whole, folder)
    types = {node.op_type for node in onnx.load(folder / MODEL).graph.node}
    assert {"MatMulInteger", "DynamicQuantizeLinear"} <= types
    kept = [one for one in onnx.load(folder / MODEL).graph.initializer if one.data_type == onnx.TensorProto.FLOAT]
    assert max(np.prod(one.dims) for one in kept) < 16 * 16  # no weight of a layer is left in float32
    bag = tiny.bag((9, 3, 12, 7))
    difference = np.abs(reader.predict(bag, 32).logits - learner.predict(bag).logits).max()
    assert 1e-5 < difference < 0.5


def test_other_logits_than_torchs_are_refused(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = OnnxModel.logits

    def off(self: OnnxModel, batch: Any) -> torch.Tensor:
        found = logits(self, batch)
        return found + 2e-4 if batch.inputs["input_ids"].shape[1] == 12 else found  # in rows of the bag alone

    monkeypatch.setattr(module.OnnxModel, "logits", off)
    with pytest.raises(Mistakes, match=r"differs by 2\.0e-04 from torch's, more than 0\.0001"):
        written(encoder("bert"), tmp_path, rows=[tiny.bag((12, 7))])
    assert not (tmp_path / "out").exists()


class Fixed:
    """Logits that are always the same."""

    def __init__(self, *values: float) -> None:
        self._values = torch.tensor([values])

    def logits(self, batch: Any) -> torch.Tensor:
        return self._values


def test_logits_that_are_no_numbers_differ_and_padding_does_not() -> None:
    inf, nan = float("inf"), float("nan")
    for ours, theirs, worst in (
        ((1.0, -inf), (1.25, -inf), 0.25),
        ((nan, 0.0), (0.0, 0.0), inf),
        ((0.0, nan), (0.0, nan), inf),
        ((0.0, -inf), (0.0, 0.0), inf),
    ):
        assert module.worst_difference(Fixed(*theirs), Fixed(*ours), [tiny.batch()]) == worst  # type: ignore[arg-type]


def test_without_the_libraries_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(Mistakes, match=r"onnxscript is missing.*isogloss\[onnx\]"):
        module.require_onnx()
