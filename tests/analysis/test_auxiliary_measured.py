"""What is read: sub-words shared, scores of runs, and which runs of a store can be learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from isogloss.analysis.selection.asked import Asked, by_settings, languages_asked
from isogloss.analysis.selection.observed import Observed, observed
from isogloss.analysis.selection.overlap import alike, overlap, rows_of, shares
from isogloss.analysis.selection.runs import measured, suitable
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.data.bag import Bag
from isogloss.data.task import load_task
from isogloss.errors import Mistakes
from isogloss.evaluation.frame import stack
from isogloss.store import RunSpec, Store
from learner.tiny import of_labels


class Tokenizer:
    """0 is a special token, 1 the unknown one, and there are six sub-words."""

    unk_token_id = 1
    all_special_ids = (0, 1)

    def __len__(self) -> int:
        return 8


def bag(language: str, texts: Sequence[Sequence[int]], ids: str = "abcdef") -> Bag:
    lengths = [len(text) for text in texts]
    n, none = len(texts), np.zeros(len(texts), dtype=np.int32)
    columns = of_labels(
        ids=np.array(list(ids[:n])),
        groups=np.arange(n),
        targets=np.zeros(n, dtype=np.int64),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        inputs={"input_ids": np.concatenate([np.array(text, dtype=np.int32) for text in texts])},
        content=none,
        unknown=none,
        words=none,
    )
    return Bag("t", language, "validation", ("x",), {"input_ids": 0}, columns, np.arange(n))


def test_overlap_by_hand() -> None:
    """Red when special tokens count (they are the most frequent), or the unknown one overlaps with itself."""
    bags = {
        "de": bag("de", [[0, 2, 2, 3, 0], [0, 4, 0]]),  # 2: 1/2, 3: 1/4, 4: 1/4
        "en": bag("en", [[0, 2, 0], [0, 3, 5, 6, 0]]),  # 2, 3, 5, 6: 1/4 each
        "ja": bag("ja", [[0, 1, 1, 1, 0], [0, 2, 0]]),  # unknown: 3/4, 2: 1/4
    }
    found = overlap(bags, Tokenizer())
    assert found.languages == ("de", "en", "ja")
    np.testing.assert_allclose(found.values, [[1, 0.5, 0.25], [0.5, 1, 0.25], [0.25, 0.25, 1]])
    assert shares(bags["ja"], Tokenizer()).sum() == 0.25


def test_the_same_rows_are_compared() -> None:
    """Parallel: the ids that all have; red when each keeps its own. Else as many rows as the smallest language has."""
    bags = {
        "de": bag("de", [[2], [3], [4], [5]], "abcd"),
        "en": bag("en", [[2], [4], [5]], "acx"),
    }
    both = alike(bags, parallel=True)
    assert [one.ids.tolist() for one in both.values()] == [["a", "c"], ["a", "c"]]
    np.testing.assert_allclose(overlap(both, Tokenizer()).values, np.ones((2, 2)))
    assert [len(one) for one in alike(bags, parallel=False).values()] == [3, 3]
    with pytest.raises(Mistakes, match="no row is there in every language"):
        alike({"de": bags["de"], "en": bag("en", [[2]], "x")}, parallel=True)


def test_rows_are_of_the_split_that_has_most(tmp_path: Path) -> None:
    for name in ("train-en", "train-de", "train-sw", "dev-en"):
        (tmp_path / f"{name}.csv").touch()
    files = {"train": "train-{language}.csv", "validation": "dev-{language}.csv"}
    about = {"path": str(tmp_path), "texts": ["t"], "label": "l", "languages": ["en", "de", "sw"], "files": files}
    task = load_task({"name": "files", **about})
    assert rows_of(task, ["de", "en"]) == ("train", ("de", "en"))
    assert rows_of(task, ["en"]) == ("validation", ("en",))


def frame(
    values: Mapping[tuple[str, str], float], *, axis: str = "source", seed: str = "0", **facts: Any
) -> pl.DataFrame:
    """Scores of runs on one axis: its value and the language → a number; a language in its own training is seen."""
    rows = [
        {
            "recipe": "r",
            "variant": "v",
            f"axis.{axis}": value,
            "seed": seed,
            "language": language,
            "role": axis if language in value.split("+") else "unseen",
            "metric": "accuracy",
            "value": number,
            "n": 10,
            "run": f"{value}{seed}",
            **facts,
        }
        for (value, language), number in values.items()
    ]
    return stack([pl.DataFrame(rows)])


PAIRS = {("de", "de"): 90.0, ("de", "sw"): 50.0, ("en", "de"): 70.0, ("en", "sw"): 60.0, ("en+de", "sw"): 99.0}


def test_scores_become_candidates_and_targets() -> None:
    """Red when a seen language counts as a target, or several languages as one candidate."""
    other = {pair: value + 4 for pair, value in PAIRS.items() if pair != ("en", "de")}
    found = observed(stack([frame(PAIRS), frame(other, seed="1")]), "source")
    assert (found.candidates, found.targets) == (("de", "en"), ("sw", "de"))
    np.testing.assert_array_equal(found.values, [[52, np.nan], [62, 70]])
    assert found.notes == (
        "Measured: accuracy on test rows, there being no development scores of every run.",
        "Of several languages at once, and left out: en+de.",
        "Cells rest on 1 to 2 runs each.",
    )
    assert found.informative == 1


def test_development_rows_are_asked_where_there_are_some() -> None:
    """Red when the test scores, which are to be reported, choose."""
    tested, developed = frame(PAIRS), frame(dict.fromkeys(PAIRS, 1.0), metric="development accuracy")
    found = observed(stack([tested, developed]), "source")
    assert np.nanmax(found.values) == 1
    assert found.notes[0] == "Measured: accuracy on development rows."
    with pytest.raises(Mistakes, match='no metric "f1"; known: accuracy'):
        observed(tested, "source", metric="f1")


def test_the_reference_is_of_the_same_targets() -> None:
    alone = frame({("en", "sw"): 55.0, ("en", "th"): 1.0})
    found = observed(frame(PAIRS), "source", reference=alone)
    np.testing.assert_array_equal(found.reference, [55, np.nan])
    left = found.without_language("sw")
    assert left.candidates == ("de", "en")
    np.testing.assert_array_equal(left.reference, [np.nan])


def test_one_candidate_compares_nothing() -> None:
    with pytest.raises(Mistakes, match="1 single languages on the axis source"):
        observed(frame({("en", "sw"): 1.0, ("en+de", "sw"): 2.0}), "source")


def test_a_transfer_matrix_is_without_its_diagonal() -> None:
    found = Observed.of(Matrix("m", ("a", "b"), np.array([[0.9, 0.5], [0.6, 0.8]])), points=100)
    np.testing.assert_allclose(found.values, [[np.nan, 50], [60, np.nan]])


def settings(**changes: Any) -> dict[str, Any]:
    roles = {"source": ["en"], "auxiliary": [], "target": ["all"], "selection": []}
    about = {"name": "r", "task": "xnli", "encoder": "mini", "max_length": 64, "data": {}, "languages": roles}
    return {**about, "axes": {"auxiliary": []}, "evaluation": {"task": None}, "variants": [], **changes}


def begin(store: Store, key: str, axes: Mapping[str, Sequence[str]], variant: str = "v", **changes: Any) -> None:
    given = settings(**changes)
    about = {"axes": {name: list(values) for name, values in axes.items()}, "seeds": {"source": 0}, "seed": "0"}
    run = store.run(key)
    phases = ["source" if variant == "source_only" else key]
    run.begin(RunSpec(recipe=given["name"], variant=variant, phases=phases, settings=given, **about))
    run.finish(pl.DataFrame({"language": ["sw"], "value": [1.0]}), pl.DataFrame({"id": ["a"]}), {})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "store")
    for code in ("de", "fr"):
        begin(found, f"aa{code}", {"auxiliary": [code]})
        begin(found, f"bb{code}", {"auxiliary": [code]}, variant="source_only")
        begin(found, f"cc{code}", {"source": [code], "auxiliary": [code]}, name="both")
        begin(found, f"dd{code}", {"draw": ["0"]}, name="none", task="massive")
        begin(found, f"ee{code}", {"source": [code]}, name="sources", task={"name": "massive", "source": "hub"})
    return found


@pytest.mark.parametrize(
    ("address", "against", "said"),
    [
        ("r", None, "runs of 2 variants: source_only, v; name one, as NAME/VARIANT"),
        ("both", None, "runs over both auxiliary and source"),
        ("none", None, "no two of one auxiliary or source language each"),
        ("r/v", "source_olny", 'did you mean "source_only"?'),
        ("r/source_only", "source_only", 'only runs of "source_only"'),
        ("r/source_only", None, "no two of one auxiliary or source language each"),
    ],
)
def test_runs_that_say_nothing(store: Store, address: str, against: str | None, said: str) -> None:
    with pytest.raises(Mistakes, match=said) as found:
        measured(store, store.resolve(address), against)
    assert len(found.value.mistakes) == 1


def test_runs_of_two_recipes_are_not_mixed(store: Store) -> None:
    with pytest.raises(Mistakes, match="runs of several settings"):
        measured(store, [*store.resolve("r/v"), *store.resolve("sources")])


def test_runs_and_their_reference(store: Store) -> None:
    found = measured(store, store.resolve("r"), "source_only")
    assert (found.address, found.axis) == ("r/v", "auxiliary")
    assert [run.variant for run in (*found.runs, *found.reference)] == ["v", "v", "source_only", "source_only"]


def test_runs_that_are_not_done_are_said(store: Store) -> None:
    """Red when a failed run is dropped in silence."""
    store.run("aaru").begin(
        RunSpec("r", "v", {"auxiliary": ["ru"]}, {"source": 0}, "0", ["aaru"], settings())  # and nothing came of it
    )
    for found in (
        measured(store, store.resolve("r/v")),
        suitable(store.runs(), task=None, recipe="r", encoder=None)[0],
    ):
        assert (len(found.runs), found.pending) == (2, 1)


def test_what_a_store_has_to_learn_from(store: Store) -> None:
    """Red when runs of another task, recipe or encoder count, or a variant that is trained without its auxiliary."""

    def names(**asked: str | None) -> list[str]:
        given = {"task": None, "recipe": None, "encoder": None, **asked}
        return [one.address for one in suitable(store.runs(), **given)]

    assert names() == ["r/v", "sources/v"]
    assert names(task="massive") == ["sources/v"]
    assert names(recipe="r", encoder="mini") == ["r/v"]
    assert names(encoder="other") == []


def test_candidates_are_what_was_measured_or_what_the_task_has() -> None:
    asked = by_settings(settings(), {"xnli": Path("here")})
    assert asked.task is not None
    assert (asked.task.path, asked.source, asked.recipe) == (Path("here"), ("en",), "r")
    assert by_settings(settings(axes={"source": []}), {}).source == ()
    asked = asked._replace(task=load_task("xnli"))
    assert languages_asked(asked, ["sw", "sw"], [])[0] == ("sw",)
    left = set(load_task("xnli").languages) - {"en", "sw", "ur"}
    assert set(languages_asked(asked, ["sw", "ur"], [])[1]) == left
    assert languages_asked(asked, ["sw"], [], measured=("en", "de", "sw"))[1] == ("de",)
    assert languages_asked(asked, ["sw"], ["en"])[1] == ("en",)
    assert languages_asked(Asked(), ["fi"], ["et"]) == (("fi",), ("et",))


def test_all_that_is_wrong_with_the_languages_is_said_at_once() -> None:
    with pytest.raises(Mistakes) as found:
        languages_asked(Asked(load_task("xnli")), ["swa", "fi", "de"], ["de", "cy"])
    assert [(one.where, one.what) for one in found.value.mistakes] == [
        ("--target", 'no language has the key "swa"'),
        ("--target", 'task "xnli" has no language "fi"'),
        ("--candidate", 'task "xnli" has no language "cy"'),
        ("--candidate", '"de" is a target, too'),
    ]
