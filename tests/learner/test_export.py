"""Taking a learner away as an ordinary folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from isogloss.errors import Mistakes
from learner import tiny

Encoder = Callable[[str], Path]


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_transformers_loads_it_with_the_same_logits(encoder: Encoder, tmp_path: Path, model_type: str) -> None:
    learner = tiny.load(encoder(model_type), precision="fp32")
    learner.update({name: value + 0.1 for name, value in tiny.everything(learner).items()})
    folder = tmp_path / "a" / "out"
    learner.export(folder, card="# A model card\n")

    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    bag = tiny.bag((9, 9, 9))
    tokens = torch.from_numpy(bag.columns.inputs["input_ids"].reshape(3, 9)).long()
    with torch.no_grad():
        logits = model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits

    torch.testing.assert_close(torch.from_numpy(learner.predict(bag).logits), logits, rtol=1e-4, atol=1e-4)
    assert tuple(model.config.id2label[index] for index in range(3)) == tiny.LABELS
    assert model.config.label2id["contradiction"] == 2
    assert model.config.problem_type is None
    assert tokenizer("w5 w6")["input_ids"] == [0, 5, 6, 2]
    assert (folder / "README.md").read_text() == "# A model card\n"
    assert "isogloss" not in (folder / "config.json").read_text()
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float32"
    assert tiny.load(folder, precision="fp32").labels == tiny.LABELS


def test_it_is_written_whole_or_not_at_all(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = tiny.load(encoder("bert"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(learner.tokenizer), "save_pretrained", full)
    with pytest.raises(Mistakes, match="No space left on device"):
        learner.export(tmp_path / "out", card="")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_never_overwritten(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match="exists already"):
        tiny.load(encoder("bert")).export(tmp_path, card="")
