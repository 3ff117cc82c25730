"""`push`, and what leaves this machine with a model: of texts, groups and paths nothing that was not asked for."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from cli.conftest import Isogloss, refused
from isogloss.cli.card import _widget
from isogloss.errors import Mistakes
from isogloss.kinds.question_answering import QuestionAnswering
from isogloss.kinds.text_classification import TextClassification
from isogloss.recipe.public import without_paths
from isogloss.run.tested import Example
from learner import tiny

RECIPE = """
name = "mine"
encoder = "{encoder}"
max_length = 16
precision = "fp32"
keep = "all"
languages = {{ source = ["en"], target = "all" }}

[task]
name = "files"
path = "secret-place"
languages = ["en", "sw"]
files = {{ all = {{ pattern = "inner/mine.csv", language = "lang" }} }}
group = {{ column = "customer" }}
split = {{ folds = 2 }}

[[phases]]
name = "train"
batch_size = 8
epochs = 1

[axes]
fold = [0, 1]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one's own rows, whose runs over folds and final one are carried out. Not to be changed."""
    from isogloss.recipe.load import load_recipe
    from isogloss.run import run
    from isogloss.store import Store

    root = tmp_path_factory.mktemp("home-of-somebody")
    (root / "secret-place" / "inner").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(60):
        words = " ".join(f"w{n}" for n in rng.integers(10, tiny.VOCABULARY, 6))
        rows.append((words, "ab"[number % 2], "en" if number % 3 else "sw", f"customer-{number // 2}"))
    with (root / "secret-place" / "inner" / "mine.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label", "lang", "customer"), *rows])
    encoder = tiny.save_encoder(root / "my-encoder")
    (root / "mine.toml").write_text(RECIPE.format(encoder=encoder))
    for final in (False, True):
        assert run(load_recipe(root / "mine.toml", final=final), Store(root / "store"), offline=True).failed == []
    return root


def rows_of(own: Path) -> list[dict[str, str]]:
    with (own / "secret-place" / "inner" / "mine.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def told(folder: Path) -> str:
    """Everything in a folder, whatever it is."""
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


def test_nothing_of_the_data_and_no_place_of_this_machine_is_in_the_folder(
    isogloss: Isogloss, own: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    said = isogloss("export", "mine.final", folder, "--store", own / "store", "--offline")
    assert said.code == 0, said.err
    text, rows = told(folder), rows_of(own)
    assert [row["text"] for row in rows if row["text"] in text] == []
    assert [row["customer"] for row in rows if row["customer"] in text] == []
    assert [place for place in ("secret-place", "inner", own.name, str(Path.home()) + "/") if place in text] == []
    card = (folder / "README.md").read_text()
    settings = json.loads(card.partition("```json\n")[2].partition("```")[0])
    assert settings["encoder"] == "FOLDER"
    assert settings["task"]["path"] == "FOLDER"
    assert settings["task"]["files"]["all"] == {"pattern": "mine.csv", "language": "lang"}
    assert "- **labels**: a, b" in card


@pytest.mark.slow
def test_nor_in_one_for_onnx(isogloss: Isogloss, own: Path, tmp_path: Path) -> None:
    """Torch's exporter would write down where each operation was called from."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "model"
    said = isogloss("export", "mine.final", folder, "--format", "onnx", "--store", own / "store", "--offline")
    assert said.code == 0, said.err
    text, places = told(folder), ("secret-place/", own.name, "site-packages", "src/isogloss", ".py")
    assert [place for place in places if place in text] == []
    assert [row["text"] for row in rows_of(own) if row["text"] in text] == []


def test_with_texts_the_card_has_a_row_of_each_label_and_no_more(isogloss: Isogloss, own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    asked = ("export", "mine.final", folder, "--with-texts", "--store", own / "store", "--offline")
    assert isogloss(*asked).code == 0
    rows, card = rows_of(own), (folder / "README.md").read_text()
    shown = yaml.safe_load(card.split("---\n")[1])["widget"]
    english = [row for row in rows if row["lang"] == "en"]
    expected = [next(row for row in english if row["label"] == label) for label in ("b", "a")]
    assert sorted(one["text"] for one in shown) == sorted(row["text"] for row in expected)
    assert {one["example_title"] for one in shown} == {"en: a", "en: b"}
    assert len([row for row in rows if row["text"] in told(folder)]) == 2


def test_the_hubs_page_has_fields_for_the_texts_of_a_kind_and_no_others() -> None:
    asked = _widget(QuestionAnswering(), Example(("who?", "it was her"), "", "en"))
    assert asked == {"text": "who?", "context": "it was her", "example_title": "en"}
    with pytest.raises(Mistakes, match=r"--with-texts: .* on 1 text, not 2; leave it out"):
        _widget(TextClassification(), Example(("a premise", "a hypothesis"), "neutral", "en"))


def test_what_a_page_is_made_of_has_no_text(own: Path) -> None:
    from isogloss.report.material import Material
    from isogloss.store import Store

    store = Store(own / "store")
    material = Material(store, store.resolve("mine"))
    outcomes = material.outcomes
    assert outcomes is not None
    kept = "\n".join([material.scores.write_csv(), store.predictions("mine").write_csv()])
    assert "accuracy" in kept
    files = "\n".join(told(own / "store" / part) for part in ("runs", "phases"))
    assert [row["text"] for row in rows_of(own) if row["text"] in kept or row["text"] in files] == []


@pytest.mark.parametrize(
    ("settings", "public"),
    [
        ({"encoder": "/somewhere/else/x"}, {"encoder": "FOLDER"}),
        ({"encoder": "~/models/x"}, {"encoder": "FOLDER"}),
        ({"encoder": "C:\\me\\x"}, {"encoder": "FOLDER"}),
        ({"encoder": "owner/name@refs/pr/1"}, {"encoder": "owner/name@refs/pr/1"}),
        ({"encoder": "mini"}, {"encoder": "mini"}),
        ({"data": {"xnli": "a/b"}}, {"data": {"xnli": "FOLDER"}}),
        (
            {"task": {"files": {"a": {"pattern": "b.csv", "value": 7}}}},
            {"task": {"files": {"a": {"pattern": "b.csv", "value": "VALUE"}}}},
        ),
        ({"description": "as in /somewhere/mine/notes, or C:\\me\\x"}, {"description": "as in FOLDER, or FOLDER"}),
        ({"description": "see /of/al smith/my data/rows.csv:12: bad"}, {"description": "see FOLDER/rows.csv:12: bad"}),
        ({"description": "no file: '/of/al de la cruz/rows.csv'"}, {"description": "no file: 'FOLDER/rows.csv'"}),
        ({"description": "[C:/of/al/rows.csv]"}, {"description": "[FOLDER/rows.csv]"}),
        ({"description": "in file:///of/al/rows.csv"}, {"description": "in FOLDER/rows.csv"}),
        ({"description": "in ~/my data/rows.csv"}, {"description": "in FOLDER/rows.csv"}),
        (
            {"citation": "https://example.org/a/b, and/or him/her"},
            {"citation": "https://example.org/a/b, and/or him/her"},
        ),
        ({"task": "/somewhere/my.toml"}, {"task": "my.toml"}),
        ({"task": {"hub": {"path": "owner/name"}}}, {"task": {"hub": {"path": "owner/name"}}}),
        ({"task": {"files": {"train": "a/b.csv"}}}, {"task": {"files": {"train": "b.csv"}}}),
        (
            {"task": {"files": {"train": [{"pattern": "a/b.csv", "value": "x/y"}]}}},
            {"task": {"files": {"train": [{"pattern": "b.csv", "value": "VALUE"}]}}},
        ),
        (
            {"variants": [{"set": {"data.xnli": "a/b", "task.path": "c/d", "encoder": "/e/f", "phases.x.rates": 0.5}}]},
            {
                "variants": [
                    {"set": {"data.xnli": "FOLDER", "task.path": "FOLDER", "encoder": "FOLDER", "phases.x.rates": 0.5}}
                ]
            },
        ),
        ({"phases": [{"on": {"task": {"path": "/a/b"}}}]}, {"phases": [{"on": {"task": {"path": "FOLDER"}}}]}),
    ],
)
def test_of_paths_the_last_part_is_public(settings: dict[str, Any], public: dict[str, Any]) -> None:
    assert without_paths(settings) == public


class Hub:
    """What `push` asks of `HfApi`, and what it was asked."""

    def __init__(self, public: bool = False) -> None:
        self.public, self.calls, self.kept = public, [], {}

    def create_repo(self, name: str, *, repo_type: str, private: bool | None, exist_ok: bool) -> Any:
        self.calls.append(("create", name, repo_type, private, exist_ok))
        return type("Url", (str,), {"repo_id": f"me/{name}"})(f"https://hub/me/{name}")

    def model_info(self, name: str) -> Any:
        return SimpleNamespace(private=not self.public)

    def upload_folder(self, *, repo_id: str, folder_path: Path, repo_type: str, commit_message: str) -> None:
        self.calls.append(("upload", repo_id, repo_type, commit_message))
        self.kept = {path.name: path.read_bytes() for path in folder_path.iterdir()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    fake = Hub()
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: fake)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_x")
    return fake


def test_the_folder_that_export_writes_is_uploaded(isogloss: Isogloss, own: Path, hub: Hub, tmp_path: Path) -> None:
    said = isogloss("push", "mine.final/default@0", "words", "--private", "--store", own / "store")
    assert said.code == 0, said.err
    assert said.out == "pushed mine.final/default@0 to https://hub/me/words\n"
    assert hub.calls == [
        ("create", "words", "model", True, True),
        ("upload", "me/words", "model", "Isogloss: mine.final/default@0"),
    ]
    assert isogloss("export", "mine.final", tmp_path / "model", "--store", own / "store", "--offline").code == 0
    assert hub.kept == {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}


def test_without_a_token_nothing_is_made(
    isogloss: Isogloss, own: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    refused(isogloss("push", "mine.final", "words", "--store", own / "store"), "no token", "hf auth login", "HF_TOKEN")
    assert hub.calls == []


def test_what_everybody_sees_is_not_taken_for_private(isogloss: Isogloss, own: Path, hub: Hub) -> None:
    hub.public = True
    refused(isogloss("push", "mine.final", "words", "--private", "--store", own / "store"), "everybody can see it")
    assert [call[0] for call in hub.calls] == ["create"]
    assert isogloss("push", "mine.final", "words", "--store", own / "store").code == 0


def test_the_hubs_no_is_one_line(
    isogloss: Isogloss, own: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no(*_: object, **__: object) -> None:
        raise ConnectionError("403\nForbidden")

    monkeypatch.setattr(hub, "upload_folder", no)
    refused(
        isogloss("push", "mine.final", "words", "--store", own / "store"), "words: cannot be pushed (403 Forbidden)"
    )
    refused(isogloss("push", "mine.final", "a/b/c", "--store", own / "store"), "a/b/c: is no name on the hub")
    hub.calls.clear()
    lost = tmp_path / "store"
    shutil.copytree(own / "store", lost)
    for path in lost.glob("phases/*/weights.safetensors"):
        path.unlink()
    refused(isogloss("push", "mine.final", "words", "--store", lost), "were not kept")
    assert hub.calls == []  # no empty page is left


def test_the_best_seed_of_a_final_model_is_chosen_by_the_step_that_was_kept(
    isogloss: Isogloss, own: Path, tmp_path: Path
) -> None:
    """From the recipe to the card, with folds: no test row and no other split is there to choose by."""
    asked = ("mine.final", tmp_path / "model", "--seed", "best", "--offline", "--store")
    refused(isogloss("export", *asked, own / "store"), 'write select = "source" in phase "train", and run again')
    sets = ("--set", 'phases.train.select="source"', "--set", "seeds=2", "--offline", "--no-progress")
    for final in ((), ("--final",)):
        assert isogloss("run", own / "mine.toml", *sets, *final, "--store", tmp_path / "store").code == 0
    said = isogloss("export", *asked, tmp_path / "store")
    assert said.code == 0, said.err
    first, last = said.out.splitlines()
    how = "the best of 2 seeds by accuracy on rows of languages.source held out of phase train: "
    assert first.partition(": ")[2].startswith(how)
    assert last.startswith("wrote ")
    assert f"- **seed**: {how}" in (tmp_path / "model" / "README.md").read_text()
    refused(
        isogloss("export", "mine.final", tmp_path / "two", "--store", tmp_path / "store"), '"mine.final" names 2 runs'
    )
