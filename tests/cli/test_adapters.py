"""A run that trained adapters, taken away and used: nobody who loads it needs peft."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Isogloss, refused

ADAPTED = ("--set", "seeds=1", "--set", 'variants=["pooled"]', "--set", "adapters={rank=2, modules=['value']}")
FASTER = ("--set", "phases.source.optimizer.learning_rate=5e-2", "--set", "phases.source.epochs=3")
# Without peft, and without the library, as whoever is given the folder has it.
ELSEWHERE = """
import sys
sys.modules["peft"] = sys.modules["isogloss"] = None
import torch, transformers
folder, *texts = sys.argv[1:]
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
with torch.no_grad():
    p = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.softmax(1)
for row in p.tolist():
    print(model.config.id2label[max(range(len(row)), key=row.__getitem__)], max(row))
"""


def test_export_and_predict_have_them_merged(isogloss: Isogloss, project: Path) -> None:
    said = isogloss("run", "tiny.toml", "--offline", *ADAPTED, *FASTER)
    assert (said.code, "1 runs done" in said.out) == (0, True), said
    assert isogloss("export", "tiny", "model", "--offline").code == 0
    card = (project / "model" / "README.md").read_text()
    words = "LoRA of rank 2, alpha 16 on value"
    assert f"- **adapters**: {words} in phase source; {words} in phase adapt; merged into the weights\n" in card

    texts = ["w5 w6 w7", "w39 w8", "w22 w30 w31", "w20 w4"]
    (project / "new.tsv").write_text("text\n" + "\n".join(texts) + "\n")
    said = isogloss("predict", "tiny", "new.tsv", "--offline")
    ours = list(csv.DictReader(io.StringIO(said.out), delimiter="\t"))
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, "model", *texts], capture_output=True, text=True, check=True, timeout=120
    )
    theirs = [line.split() for line in done.stdout.splitlines()]
    assert [row["predicted_label"] for row in ours] == [label for label, _ in theirs]
    np.testing.assert_allclose(
        [float(row["predicted_probability"]) for row in ours], [float(p) for _, p in theirs], atol=1e-4
    )


def test_a_card_without_adapters_says_nothing_of_them(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    assert isogloss("export", "tiny/pooled@0", tmp_path / "model", "--store", made / "store", "--offline").code == 0
    assert "adapters**" not in (tmp_path / "model" / "README.md").read_text()


def test_show_says_which_phases_have_them(isogloss: Isogloss, project: Path) -> None:
    text = (project / "tiny.toml").read_text()
    (project / "tiny.toml").write_text(text.replace('name = "adapt"', 'name = "adapt"\nadapters = { rank = 3 }', 1))
    said = isogloss("show", "tiny.toml")
    assert said.out.count("LoRA of rank 3, alpha 16") == 1
    everywhere = text.replace("seeds = 2", "seeds = 2\nadapters = { rank = 5 }", 1)
    (project / "tiny.toml").write_text(everywhere)
    assert "adapters   LoRA of rank 5, alpha 16\n" in isogloss("show", "tiny.toml").out


def test_without_peft_nothing_is_trained(isogloss: Isogloss, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    line = refused(isogloss("run", "tiny.toml", "--offline", *ADAPTED), "adapters: peft is not", "isogloss[lora]")
    assert not line.startswith("phase")
    assert not (project / "runs" / "phases").exists()
