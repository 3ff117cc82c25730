"""The hub source against `datasets` itself reading Parquet files out of the hub's cache; no network.

The one thing replaced is what brings files into the cache. That the real data sets lie there under these names is not
tested here.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.fake_hub import COMMIT
from isogloss.data import hub, hub_files
from isogloss.data.rules import HubRule
from isogloss.data.source import fingerprint, read_rows
from isogloss.data.task import load_task
from isogloss.errors import Mistakes

datasets = pytest.importorskip("datasets")

NAMES = ["neutral", "contradiction", "entailment"]  # in another order than the task's


@pytest.fixture(autouse=True)
def _quiet(fake_hub):
    bars = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    yield
    if not bars:
        datasets.enable_progress_bars()


@pytest.fixture
def nli(tmp_path):
    """A folder laid out as `facebook/xnli` is: a card with configurations, Parquet with a ClassLabel."""
    card = ["---", "configs:"]
    for language in ("en", "sw"):
        card += [
            f"- config_name: {language}",
            "  data_files:",
            "  - split: validation",
            f"    path: {language}/validation-*",
        ]
        rows = {
            "premise": [f"{language} {number // 3}" for number in range(6)],
            "hypothesis": [f"{language} {number}" for number in range(6)],
            "label": [2, 0, 1] * 2,
        }
        text = datasets.Value("string")
        features = datasets.Features(premise=text, hypothesis=text, label=datasets.ClassLabel(names=NAMES))
        data = datasets.Dataset.from_dict(rows, features=features)
        (tmp_path / "nli" / language).mkdir(parents=True)
        data.to_parquet(tmp_path / "nli" / language / "validation-00000-of-00001.parquet")
    (tmp_path / "nli" / "README.md").write_text("\n".join([*card, "---", ""]))
    return tmp_path / "nli"


def _task(nli, **changes):
    task = load_task("xnli")
    return replace(task, hub=replace(task.hub, path=str(nli), revision=COMMIT, **changes))


def test_labels_are_matched_by_name_and_rows_numbered(nli):
    english, swahili = (read_rows(_task(nli), language, "validation") for language in ("en", "sw"))
    assert english.labels.tolist() == [0, 1, 2] * 2
    assert swahili.texts[4] == ("sw 1", "sw 4")
    assert english.ids.tolist() == swahili.ids.tolist() == [f"validation-{row}" for row in range(6)]
    assert english.groups.tolist() == swahili.groups.tolist()
    assert len(set(english.groups)) == 2
    assert english.provenance == {"hub": str(nli), "revision": COMMIT, "files": "en", "split": "validation"}


def test_files_by_a_pattern_and_columns_by_their_names_there(tmp_path):
    (tmp_path / "hub" / "sw-KE" / "dev").mkdir(parents=True)
    data = datasets.Dataset.from_dict({"key": [7, 8], "said": ["cheza", "NA"], "intent": ["play_game", "qa_maths"]})
    data.to_parquet(tmp_path / "hub" / "sw-KE" / "dev" / "0000.parquet")
    rule = HubRule(
        path=str(tmp_path / "hub"),
        revision=COMMIT,
        data_files="{code}/{split}/*.parquet",
        splits={"validation": "dev"},
        texts=("said",),
        id="key",
    )
    rows = read_rows(replace(load_task("massive"), source="hub", hub=rule), "sw", "validation")
    assert rows.texts == [("cheza",), ("NA",)]
    assert rows.ids.tolist() == ["7", "8"]
    assert [rows.label_names[label] for label in rows.labels] == ["play_game", "qa_maths"]


def test_a_branch_is_resolved_to_a_commit_once_and_a_commit_never(fake_hub):
    (fake_hub.remote / "AmazonScience" / "massive").mkdir(parents=True)
    task = load_task({"name": "massive", "source": "hub"})
    names = {fingerprint(task, language, "test") for language in ("en", "sw") for _ in range(2)}
    assert len(names) == 2
    assert fake_hub.asked == ["AmazonScience/massive"]
    assert hub.where_on_hub(task, "sw", "test")["revision"] == COMMIT
    fingerprint(load_task("xnli"), "sw", "test")
    assert len(fake_hub.asked) == 1
    assert fingerprint(task, "en", "test", offline=True) in names  # what the branch stood for when it was asked


def test_what_was_read_once_is_read_again_offline(nli, fake_hub):
    """The files of one configuration and the card, and nothing of another's."""
    online = read_rows(_task(nli), "en", "validation")
    asked = list(fake_hub.asked)
    with pytest.raises(Mistakes, match=r"not wholly, in the hub's cache; .*isogloss fetch"):
        read_rows(_task(nli), "sw", "validation", offline=True)
    fake_hub.here = False
    offline = read_rows(_task(nli), "en", "validation", offline=True)
    assert (offline.texts, offline.fingerprint) == (online.texts, online.fingerprint)
    assert fake_hub.asked == asked
    there = {path.relative_to(fake_hub.cache).parts[3:] for path in fake_hub.cache.rglob("*") if path.is_file()}
    assert ("en", "validation-00000-of-00001.parquet") in there
    assert not any("sw" in parts for parts in there)
    with pytest.raises(Mistakes, match="cannot be had from the hub: no network"):
        read_rows(_task(nli), "sw", "validation")


def test_a_part_that_is_missing_in_the_cache_is_not_read_past(nli, fake_hub):
    """The hub's client takes what is there for all; cut into parts, a split says how many it has."""
    read_rows(_task(nli), "en", "validation")
    (whole,) = fake_hub.cache.rglob("validation-00000-of-00001.parquet")
    whole.rename(whole.with_name("validation-00000-of-00002.parquet"))
    with pytest.raises(Mistakes, match=r"not wholly, in the hub's cache; .*isogloss fetch"):
        read_rows(_task(nli), "en", "validation", offline=True)


@pytest.mark.parametrize(
    ("card", "config", "patterns"),
    [
        ("configs: [{config_name: en, data_files: en/*}]", "en", ["en/*", "en/*"]),
        (
            "configs: [{config_name: en, data_files: [a/*, b/*], data_dir: x}]",
            "en",
            ["x/a/*", "x/a/*", "x/b/*", "x/b/*"],
        ),
        ("configs: [{config_name: en, data_files: [{split: test, path: ['**/t-*']}]}]", "en", ["**/t-*", "t-*"]),
        ("configs: [{config_name: default, data_files: d/*}]", None, ["d/*", "d/*"]),
        ("configs: [{config_name: en, data_files: en/*}]", "de", ["*.parquet"]),
        ("license: mit", "en", ["*.parquet"]),
    ],
)
def test_a_card_says_which_files_a_configuration_has(tmp_path, card, config, patterns):
    (tmp_path / "README.md").write_text(f"---\n{card}\n---\n")
    assert hub_files._patterns(tmp_path / "README.md", config) == patterns


@pytest.mark.parametrize("rule", [{"config": "{code}"}, {"config": None, "data_files": "{split}/{code}/*"}])
def test_what_is_filled_in_does_not_lead_out_of_the_data_set(nli, rule):
    task = replace(_task(nli, **rule), codes={"sw": "../sw"})
    assert hub.where_on_hub(task, "en", "validation")["hub"] == str(nli)
    with pytest.raises(Mistakes, match="leads out of the data set; mend its code"):
        hub.where_on_hub(task, "sw", "validation")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"label": "gold"}, 'no column "gold"'),
        ({"splits": {"test": "test"}}, 'no split "validation"'),
        ({"config": "{language}-x"}, "cannot be had from the hub: .*check name and network"),
        ({"path": "none/such"}, "none/such: cannot be had from the hub"),
    ],
)
def test_what_is_not_there_is_one_line(nli, changes, told):
    with pytest.raises(Mistakes, match=told) as caught:
        read_rows(replace(_task(nli), hub=replace(_task(nli).hub, **changes)), "en", "validation")
    assert len(str(caught.value).splitlines()) == 1


def test_a_label_that_the_task_does_not_name(nli):
    with pytest.raises(Mistakes, match=r'en:3: label "contradiction" is none'):
        read_rows(replace(_task(nli), labels=("entailment", "neutral")), "en", "validation")


def test_a_label_that_is_missing_there(nli):
    features = datasets.Features(
        premise=datasets.Value("string"),
        hypothesis=datasets.Value("string"),
        label=datasets.ClassLabel(names=NAMES),
    )
    rows = {"premise": ["a"] * 3, "hypothesis": ["b"] * 3, "label": [0, -1, 1]}
    data = datasets.Dataset.from_dict(rows, features=features)
    data.to_parquet(nli / "en" / "validation-00000-of-00001.parquet")
    with pytest.raises(Mistakes, match=r"en:2: no label in column"):
        read_rows(_task(nli), "en", "validation")


def test_other_formats_than_parquet_are_refused(nli, tmp_path):
    folder = tmp_path / "lines"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"premise": "a", "hypothesis": "b", "label": "x"}\n')
    rule = HubRule(path=str(folder), revision=COMMIT, splits={"train": "train"})
    task = replace(load_task("xnli"), hub=rule)
    with pytest.raises(Mistakes, match="holds no Parquet there"):
        read_rows(task, "en", "train")
    read_rows(_task(nli), "en", "validation")  # that the cache has Parquet of another configuration is no help
    (nli / "lines.jsonl").write_text('{"premise": "a", "hypothesis": "b", "label": "x"}\n')
    card = (
        (nli / "README.md").read_text().replace("configs:", "configs:\n- {config_name: lines, data_files: lines.jsonl}")
    )
    (nli / "README.md").write_text(card)
    with pytest.raises(Mistakes, match="holds json, not Parquet"):
        read_rows(_task(nli, config="lines", splits={"train": "train"}), "en", "train")


def test_without_datasets_the_remedy_is_the_extra(nli, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(Mistakes, match=r'pip install "isogloss\[hub\]"'):
        read_rows(_task(nli), "en", "validation")


def test_a_task_that_is_not_on_the_hub():
    with pytest.raises(Mistakes, match="is not on the hub"):
        hub.where_on_hub(replace(load_task("xnli"), hub=None), "en", "test")


def _answered(folder, name, rows):
    """Write rows as SQuAD has them on the hub: answers are a list of texts and one of places."""
    answers = [{"text": [text], "answer_start": [0]} for _, _, text in rows]
    columns = {"id": [row[0] for row in rows], "question": [row[1] for row in rows]}
    data = datasets.Dataset.from_dict({**columns, "context": [row[2] for row in rows], "answers": answers})
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    data.to_parquet(folder / name)


def test_answers_in_two_languages_and_groups_by_their_counterparts(tmp_path):
    hub_folder = tmp_path / "mlqa"
    english = [("1", "en?", "river"), ("2", "en?", "lake"), ("3", "en?", "river")]
    german = [("3", "en?", "Strom"), ("1", "en?", "Fluss")]
    for name, rows in [("en.en", english), ("de.en", german), ("de.de", [("2", "de?", "See")])]:
        _answered(hub_folder, f"mlqa.{name}/test/0000.parquet", rows)
    task = load_task("mlqa")
    task = replace(task, hub=replace(task.hub, path=str(hub_folder), revision=COMMIT))
    both, mixed, plain = (read_rows(task, language, "test") for language in ("en", "de/en", "de"))
    assert mixed.texts == [("en?", "Strom"), ("en?", "Fluss")]
    assert mixed.answers == [(("Strom", 0),), (("Fluss", 0),)]
    assert plain.texts == [("de?", "See")]
    assert both.groups.tolist() == [mixed.groups[0], plain.groups[0], mixed.groups[1]]
    assert mixed.groups[0] == mixed.groups[1] != plain.groups[0]
    assert mixed.provenance["files"] == "mlqa.de.en/test/*.parquet"
    assert mixed.origin == f"{hub_folder} mlqa.de.en/test/*.parquet"
    lacking = replace(task, hub=replace(task.hub, data_files="mlqa.{second}.{language}/{split}/*.parquet"))
    with pytest.raises(Mistakes, match="cannot be had from the hub"):
        read_rows(lacking, "de/en", "test")


def test_an_answer_there_that_is_not_at_its_place(tmp_path):
    _answered(tmp_path / "s", "a.parquet", [("1", "?", "a river")])
    data = datasets.Dataset.from_parquet(str(tmp_path / "s" / "a.parquet"), cache_dir=str(tmp_path / "c"))
    data = data.map(lambda row: {**row, "answers": {"text": ["river"], "answer_start": [1]}})
    data.to_parquet(tmp_path / "s" / "a.parquet")
    rule = HubRule(path=str(tmp_path / "s"), revision=COMMIT, data_files="*.parquet", splits={"train": "train"})
    with pytest.raises(Mistakes, match=r'\*\.parquet:1, id "1": the answer "river" is not at 1 .* " rive" stands'):
        read_rows(replace(load_task("squad"), hub=rule), "en", "train")


@pytest.mark.parametrize("by", ["prefix", "second"])
def test_several_languages_in_one_place(tmp_path, by):
    rows = [("swahili-1", "sw?", "mto"), ("telugu-1", "te?", "nadi"), ("swahili-2", "sw?", "ziwa")]
    _answered(tmp_path / "t", "a.parquet", rows)
    if by == "second":
        data = datasets.Dataset.from_parquet(str(tmp_path / "t" / "a.parquet"), cache_dir=str(tmp_path / "c"))
        data = data.add_column("asked", ["swahili", "telugu", "swahili"])
        data.to_parquet(tmp_path / "t" / "a.parquet")
    prefix = "{code}-" if by == "prefix" else None
    rule = HubRule(
        path=str(tmp_path / "t"), revision=COMMIT, data_files="*.parquet", splits={"test": "train"}, prefix=prefix
    )
    task = replace(load_task("tydiqa"), hub=rule, second="asked" if by == "second" else None)
    assert read_rows(task, "sw", "test").ids.tolist() == ["swahili-1", "swahili-2"]
    assert read_rows(task, "te", "test").texts == [("te?", "nadi")]
    with pytest.raises(Mistakes, match=r'\*\.parquet: no rows in language "fi"; leave the language out'):
        read_rows(task, "fi", "test")
