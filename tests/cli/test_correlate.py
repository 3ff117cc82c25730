"""`analyse transfer`, `correlate` and `layers`, of runs and of the frames that were kept of runs."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cli.conftest import Said, refused
from isogloss.analysis import document
from isogloss.analysis.correlations import read_answer
from isogloss.analysis.kilometres import great_circle
from isogloss.analysis.transfer import TransferFrames
from isogloss.errors import Mistakes
from isogloss.evaluation.frame import stack
from isogloss.recipe.load import load_recipe
from isogloss.store import RunSpec, Store

Isogloss = Callable[..., Said]
CODES = ("bg", "de", "el", "en", "es", "fr", "hi", "ru")
FAR = great_circle(CODES).values / 1e4


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Transfer and the impact on layer 1 fall with distance; the impact on layer 2 has nothing to do with anything."""
    draws = np.random.default_rng(0)
    noise = draws.normal(0, 0.02, size=(3, 8, 8))
    transfer, impact = [], []
    for i, source in enumerate(CODES):
        for j, target in enumerate(CODES):
            about = {"variant": "default", "seed": "0", "source": source, "target": target}
            score = 60 - 20 * FAR[i, j] + 100 * noise[0, i, j]
            transfer.append({**about, "metric": "accuracy", "score": score, "n": 100})
            impact += [
                {**about, "layer": 1, "impact": 0.5 - 0.4 * FAR[i, j] + noise[1, i, j], "n": 100},
                {**about, "layer": 2, "impact": 0.5 + noise[2, i, j], "n": 100},
            ]
    folder = tmp_path_factory.mktemp("kept")
    TransferFrames("small-task", pl.DataFrame(transfer), pl.DataFrame(impact)).write(folder)
    return folder / "small-task.transfer.csv"


def test_transfer_as_a_matrix(isogloss: Isogloss, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")  # so that nothing is folded
    said = isogloss("analyse", "transfer", kept, "--printed", "--figure", tmp_path / "figure.svg")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0] == "small-task/default: accuracy"
    assert "71.2" in said.out  # printed: ar on ar
    assert (tmp_path / "figure.svg").read_text(encoding="utf-8").startswith("<svg")
    frame = list(csv.DictReader(isogloss("analyse", "transfer", kept, "--format", "csv").out.splitlines()))
    assert len(frame) == 64
    others = [float(row["score"]) for row in frame if row["source"] == "bg" != row["target"]]
    row, printed = (line.split() for line in lines if line.split()[:1] == ["bg"])
    assert printed[2:4] == ["65.6", "76.5"]
    assert row[1] == f"{np.mean(others):.1f}"


def test_the_matrix_of_one_source_from_the_store(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    said = isogloss("analyse", "transfer", "tiny/pooled", "--store", made / "store", "--keep", tmp_path)
    assert said.code == 0, said.err
    scores = isogloss("table", "tiny/pooled", "--store", made / "store", "--format", "csv").out.splitlines()
    (row,) = (line.split() for line in said.out.splitlines() if line.split()[:1] == ["en"])
    expected = next(csv.DictReader(scores))
    assert row[2:] == [f"{float(expected[code]):.1f}" for code in ("de", "en", "sw")]
    again = isogloss("analyse", "transfer", tmp_path / "tiny-files.transfer.csv")
    assert again.out == said.out
    assert (tmp_path / "tiny-files.impact.csv").is_file()


def test_a_recipe_asks_and_options_change_what_it_asks(isogloss: Isogloss, kept: Path, tmp_path: Path) -> None:
    words = ("analyse", "correlate", kept, "--like", "philippy2023-figure2", "--draws", 99)
    words = (*words, "--kind", "geographic", "--kind", "genetic")
    said = isogloss(*words, "--keep", tmp_path, "--figure", tmp_path / "figure.svg")
    assert said.code == 0, said.err
    assert "default: impact and distance, from en, without same-language pairs" in said.out
    assert "1, printed" in said.out
    assert "−0.12" in said.out  # printed: geographic, layer 1
    answer = pl.read_csv(tmp_path / "small-task.philippy2023-figure2.answer.csv")
    assert set(answer["explanatory"]) == {"geographic", "genetic"}
    assert set(answer["source"]) == {"en"}
    assert set(answer["layer"]) == {1, 2, None}
    assert "as printed" in (tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert TransferFrames.read(tmp_path / "small-task.transfer.csv").transfer.height == 64
    data = isogloss(*words, "--format", "csv").out
    assert len(data.splitlines()) == answer.height + 1
    assert isogloss(*words, "--format", "csv").out == data


def test_what_is_kept_is_what_a_page_says(isogloss: Isogloss, kept: Path, tmp_path: Path) -> None:
    """Red when a kept answer loses what the command would print: its order, its empty cells, the printed numbers."""
    words = ("analyse", "correlate", kept, "--like", "philippy2023-figure2", "--draws", 99)
    said = isogloss(*words, "--keep", tmp_path, "--format", "md")
    assert "printed" in said.out
    page = tmp_path / "page.md"
    blocks = {
        "correlate: small-task.philippy2023-figure2": said.out,
        "transfer: small-task": isogloss("analyse", "transfer", kept, "--format", "md").out,
    }
    text = "".join(f"<!-- {head} -->\n\n<!-- /{head.partition(':')[0]} -->\n" for head in blocks)
    page.write_text(text, encoding="utf-8")
    assert document.rebuild(page, tmp_path)
    written = page.read_text(encoding="utf-8")
    for head, expected in blocks.items():
        _, _, rest = written.partition(f"<!-- {head} -->\n")
        assert rest.partition("<!-- /")[0].strip() == expected.strip()
    assert not document.rebuild(page, tmp_path)
    page.write_text("<!-- correlate: small-task.figure2 -->\n<!-- /correlate -->\n", encoding="utf-8")
    with pytest.raises(Mistakes, match=r'no table is called "small-task\.figure2"'):
        document.rebuild(page, tmp_path)


def test_several_questions_are_kept_apart(isogloss: Isogloss, kept: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "two.toml"
    asks = '[[analyses]]\nname = "correlate"\ndraws = 99\ndistances = "kilometres"\n'
    recipe.write_text(f'extends = "philippy2023-figure3"\nname = "two"\n{asks}{asks}source = "en"\n', encoding="utf-8")
    said = isogloss("analyse", "correlate", kept, "--like", recipe, "--keep", tmp_path / "kept")
    assert said.code == 0, said.err
    of = [set(read_answer(tmp_path / "kept" / f"small-task.two.{n}.answer.csv")["source"]) for n in (1, 2)]
    assert of == [{""}, {"en"}]


def test_what_options_make_another_question_has_no_recipes_name(isogloss: Isogloss, kept: Path, tmp_path: Path) -> None:
    """Red when it overwrites what the recipe asks."""
    words = ("analyse", "correlate", kept, "--like", "philippy2023-figure2", "--draws", 9, "--source", "de")
    assert isogloss(*words, "--keep", tmp_path).code == 0
    assert [path.name for path in tmp_path.glob("*.answer.csv")] == ["small-task.answer.csv"]


def test_printed_numbers_do_not_stand_beside_another_question(isogloss: Isogloss, kept: Path) -> None:
    words = ("analyse", "correlate", kept, "--like", "philippy2023-figure2", "--draws", 99)
    assert "printed" in isogloss(*words).out
    for changed in (("--source", "de"), ("--from", "kilometres"), ("--explanatory", "transfer")):
        said = isogloss(*words, *changed)
        assert said.code == 0, said.err
        assert "printed" not in said.out


def test_a_question_of_options_alone(isogloss: Isogloss, kept: Path) -> None:
    said = isogloss("analyse", "correlate", kept, "--from", "kilometres", "--draws", 99)
    assert said.code == 0, said.err
    (row, _) = (line.split() for line in said.out.splitlines() if line.split()[:1] == ["kilometres"])
    assert float(row[2].replace("−", "-")) < -0.5


def test_sizes_in_pre_training_are_controlled_for(isogloss: Isogloss, kept: Path, tmp_path: Path) -> None:
    """An old frame does not know its encoder. Red when the answer overwrites that of the recipe without the control."""
    words = ("analyse", "correlate", kept, "--like", "philippy2023-table1", "--draws", 9, "--keep", tmp_path)
    assert isogloss(*words).code == 0
    plain = (tmp_path / "small-task.philippy2023-table1.answer.csv").read_bytes()
    said = isogloss(*words, "--control", "pretraining", "--encoder", "xlm-roberta-base")
    assert said.code == 0, said.err
    assert "printed" in said.out  # Pearson's and Spearman's coefficients are without controls as before
    assert "genetic, phonological, pretraining, but" in " ".join(said.out.split())
    assert (tmp_path / "small-task.philippy2023-table1.answer.csv").read_bytes() == plain
    assert set(read_answer(tmp_path / "small-task.answer.csv")["sizes_of"]) == {"xlm-roberta-base"}
    assert (tmp_path / "small-task.transfer.csv").read_bytes() == kept.read_bytes()


def test_a_single_source_drops_the_controls_of_a_recipe(isogloss: Isogloss, kept: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "controlled.toml"
    asks = 'name = "correlate"\ndistances = "kilometres"\ncontrols = ["pretraining"]\nencoder = "xlm-roberta-base"'
    recipe.write_text(f'extends = "philippy2023-figure3"\n[[analyses]]\n{asks}\n', encoding="utf-8")
    words = ("analyse", "correlate", kept, "--like", recipe, "--draws", 9)
    assert "pretraining: log" in isogloss(*words).out
    said = isogloss(*words, "--source", "en")
    assert said.code == 0, said.err
    assert "pretraining" not in said.out


def test_runs_know_their_encoder(isogloss: Isogloss, made: Path, encoder: Path, tmp_path: Path) -> None:
    """A folder by its name alone. Red when what is kept names a place of one machine, or a variant's own is lost."""
    assert isogloss("analyse", "transfer", "tiny", "--store", made / "store", "--keep", tmp_path).code == 0
    assert TransferFrames.read(tmp_path / "tiny-files.transfer.csv").encoder("pooled") == f"./{encoder.name}"
    settings = load_recipe("zero-shot-xnli").model_dump(mode="json") | {"name": "toy", "encoder": "mini"}
    settings["variants"] = [{"name": "a", "set": {}}, {"name": "b", "set": {"encoder": "xlm-roberta-base"}}]
    for variant in "ab":
        run = Store(tmp_path / "store").run(f"toy{variant}")
        run.begin(RunSpec("toy", variant, {}, {"source": 0}, "0", [], settings))
        row = {"recipe": "toy", "variant": variant, "seed": "0", "language": "hi", "metric": "accuracy", "value": 0.5}
        frame = pl.DataFrame([row | {"role": "unseen", "n": 9, "run": f"toy{variant}"}])
        run.finish(stack([frame]), pl.DataFrame({"id": ["a"]}), {})
    assert isogloss("analyse", "transfer", "toy", "--store", tmp_path / "store", "--keep", tmp_path).code == 0
    known = TransferFrames.read(tmp_path / "toy-xnli.transfer.csv")
    assert [known.encoder(variant) for variant in "ab"] == ["mini", "xlm-roberta-base"]


def test_a_question_that_no_run_can_answer_is_refused_before_anything_is_trained(
    isogloss: Isogloss, tmp_path: Path
) -> None:
    recipe = tmp_path / "asks.toml"
    for asks, said in (
        ('printed = "philippy2023-figure9"', "asks.toml: analyses"),
        ('source = "de"', 'no run is trained on "de"; known: en'),
    ):
        recipe.write_text(f'extends = "zero-shot-xnli"\n[[analyses]]\nname = "correlate"\n{asks}\n', "utf-8")
        refused(isogloss("run", recipe, "--store", tmp_path / "store"), said)
        assert not (tmp_path / "store").exists()


def test_layers_as_a_recipe(isogloss: Isogloss, kept: Path, tmp_path: Path) -> None:
    words = ("analyse", "layers", kept, "--recipe", "philippy2023-figure3", "--profile", "mini", "--draws", 99)
    impact = pl.read_csv(kept.with_name("small-task.impact.csv"))
    draws = np.random.default_rng(1)
    nothing = pl.read_csv(kept).with_columns(score=pl.Series(draws.normal(50, 5, size=64)))
    nothing.write_csv(tmp_path / "other-task.transfer.csv")
    impact.write_csv(tmp_path / "other-task.impact.csv")
    words = (*words[:2], tmp_path / "other-task.transfer.csv", *words[3:])
    said = isogloss(*words, "--naive", "--source", "en", "-o", tmp_path / "frozen.toml")
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == f"try it out: isogloss run {tmp_path / 'frozen.toml'}"
    frozen = {line.split()[0]: line.split()[1] for line in said.out.splitlines() if line.split()[:1] in (["1"], ["2"])}
    assert frozen["1"] == "yes"
    recipe = load_recipe(tmp_path / "frozen.toml")
    assert "frozen_1" in {variant.name for variant in recipe.variants}
    assert recipe.axes["source"] == (("en",),)
    assert 'name = "philippy2023-figure3-frozen"' in isogloss(*words, "--naive").out
    refused(isogloss(*words, "--naive", "--recipe", "philippy2023-table3"), 'has no variant "default"')


def test_several_auxiliary_languages_are_no_matrix(isogloss: Isogloss, tmp_path: Path) -> None:
    """Red when a cell would be the mean over auxiliary languages."""
    settings = load_recipe("zero-shot-xnli").model_dump(mode="json") | {"name": "toy"}
    for code in ("de", "fr"):
        run = Store(tmp_path / "store").run(f"toy{code}")
        run.begin(RunSpec("toy", "maml", {"auxiliary": [code]}, {"source": 0}, "0", [], settings))
        row = {"recipe": "toy", "variant": "maml", "seed": "0", "language": "hi", "metric": "accuracy", "value": 0.5}
        frame = pl.DataFrame([row | {"axis.auxiliary": code, "role": "unseen", "n": 9, "run": f"toy{code}"}])
        run.finish(stack([frame]), pl.DataFrame({"id": ["a"]}), {})
    words = ("--store", tmp_path / "store")
    refused(isogloss("analyse", "transfer", "toy", *words), "several auxiliary languages", "analyse auxiliary")


def test_no_layer_is_an_answer(isogloss: Isogloss, kept: Path, tmp_path: Path) -> None:
    draws = np.random.default_rng(2)
    (tmp_path / "none-task.transfer.csv").write_bytes(kept.read_bytes())
    impact = pl.read_csv(kept.with_name("small-task.impact.csv"))
    impact.with_columns(impact=pl.Series(draws.normal(size=impact.height))).write_csv(tmp_path / "none-task.impact.csv")
    words = ("analyse", "layers", tmp_path / "none-task.transfer.csv", "--recipe", "philippy2023-figure3")
    said = isogloss(*words, "--draws", 99, "-o", tmp_path / "frozen.toml")
    assert said.code == 0, said.err
    assert "no layer meets the criterion" in said.out
    assert not (tmp_path / "frozen.toml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["correlate", "KEPT", "--outcome", "transfr"], 'did you mean "transfer"?'),
        (["correlate", "KEPT", "--explanatory", "transfer"], "transfer is what is to be explained"),
        (["correlate", "KEPT", "--kind", "genetics"], 'did you mean "genetic"?'),
        (["correlate", "KEPT", "--from", "kilometres", "--kind", "genetic"], "kilometres has no kinds"),
        (["correlate", "KEPT", "--source", "sw"], 'no row of "sw"'),
        (["correlate", "KEPT", "--printed", "philippy2023-figure9"], "did you mean"),
        (["correlate", "KEPT", "--like", "philippy2023-figure9"], "did you mean"),
        (["correlate", "KEPT", "--control", "pretrain"], 'controls: no control is called "pretrain"; did you mean'),
        (["correlate", "KEPT", "--control", "pretraining"], "name one with --encoder NAME"),
        (["correlate", "KEPT", "--control", "pretraining", "--encoder", "mini"], '"mini" had read is not known'),
        (["correlate", "KEPT", "--encoder", "xlm-roberta-base"], "encoder: pre-training, whether of xlm-roberta-base"),
        (["correlate", "KEPT", "--control", "pretraining", "--source", "en"], "controls: no test of a single source"),
        (
            ["correlate", "tiny/pooled", "--control", "pretraining", "--from", "kilometres"],
            "is known to have read 0, and how much of 0",
        ),
        (["correlate", "KEPT", "--draws", "0"], "greater than or equal to 1"),
        (["correlate", "KEPT", "--from", "kilometres", "--figure", "x.svg"], "there are no layers to draw"),
        (["correlate", "KEPT", "--from", "kilometres", "--keep", "KEPT"], "KEPT"),
        (["transfer", "KEPT", "--metric", "macro_f1"], "holds accuracy, not macro_f1"),
        (["correlate", "nowhere.transfer.csv"], "cannot be read as a frame of runs"),
        (["transfer", "KEPT", "--figure", "x.gif"], 'no figures end in ".gif"'),
        (["transfer", "tiny", "--metric", "acuracy"], 'did you mean "accuracy"?'),
        (["correlate", "tiny/pooled", "--source", "en", "--from", "kilometres"], "3 targets of en"),
        (["correlate", "tiny/pooled", "--from", "kilometres"], "1 languages without a missing cell"),
        (["layers", "tiny", "--recipe", "philippy2023-figure3"], "these are runs of several variants"),
        (["layers", "KEPT", "--recipe", "philippy2023-figure9"], "did you mean"),
    ],
)
def test_mistakes_are_one_line(
    isogloss: Isogloss,
    made: Path,
    kept: Path,
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [str(kept) if word == "KEPT" else word for word in words]
    refused(isogloss("analyse", *given, "--store", made / "store"), said.replace("KEPT", str(kept)))
    assert list(tmp_path.iterdir()) == []
