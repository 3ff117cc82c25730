"""What the benchmarks of question answering say about both sides is true."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from bench.child import in_child
from bench.elsewhere import installed
from bench.features import agreement, mapping
from bench.features import ours as features_of_ours
from bench.harness import Benchmark, Context, LeftOut, Measurement, Promise
from bench.questions import Questions, lengthened, made_up
from bench.results import render
from bench.spans import MAX_ANSWER, Agreement, Given, given, ours

from bench import __main__ as command
from bench import elsewhere, spans
from isogloss.learner.loading import load_tokenizer


@pytest.fixture(autouse=True)
def _settings_of_datasets() -> Iterator[None]:
    """The benchmark speaks for its own process."""
    bars, caching = datasets.are_progress_bars_disabled(), datasets.is_caching_enabled()
    yield
    (datasets.disable_progress_bars if bars else datasets.enable_progress_bars)()
    (datasets.enable_caching if caching else datasets.disable_caching)()


def test_made_up_questions_have_their_answers_where_they_say() -> None:
    rows = made_up(50)
    assert rows.texts == made_up(60).texts[:50]
    for made in (rows, lengthened(rows, 120)):
        assert made.answers is not None
        for (_, context), golds in zip(made.texts, made.answers, strict=True):
            assert all(context.startswith(text, start) and text for text, start in golds)
    assert len(lengthened(rows, 120)) == 120


def test_long_questions_have_several_windows() -> None:
    made = given(Questions(None).long(60), load_tokenizer("mini", offline=True))
    assert np.mean(np.bincount(made.example) > 1) > 0.5
    assert np.diff(made.offsets).max() <= 384


def example(*windows: tuple[list[tuple[int, int]], list[float], list[float]]) -> Given:
    """Windows of one question: characters, start logits and end logits of their tokens."""
    characters = [place for places, _, _ in windows for place in places]
    return Given(
        offsets=np.cumsum([0, *(len(places) for places, _, _ in windows)]),
        example=np.zeros(len(windows), dtype=np.int64),
        char_start=np.array([start for start, _ in characters], dtype=np.int32),
        char_end=np.array([end for _, end in characters], dtype=np.int32),
        input_ids=np.arange(len(characters), dtype=np.int32),
        starts=np.concatenate([starts for _, starts, _ in windows]).astype(np.float32),
        ends=np.concatenate([ends for _, _, ends in windows]).astype(np.float32),
    )


FRONT = (-1, -1)
CONTEXT = "aa bb cc aa"
TWO = (  # the second window's answer has the lower logits, and no rival in its window
    ([FRONT, (0, 2), (3, 5)], [0, 5, 4], [0, 5, 4]),
    ([FRONT, (6, 8), (9, 11)], [-9, 3, -9], [-9, 3, -9]),
)
ONE = (([FRONT, (0, 2), (3, 5), (6, 8), (9, 11)], [0, 3, 3.1, -5, 3], [0, 3, 3.1, -5, 3]),)


def said(place: tuple[int, int], score: float) -> dict[str, Any]:
    return {"answer": CONTEXT[place[0] : place[1]], "start": place[0], "end": place[1], "score": score}


@pytest.mark.parametrize(
    ("windows", "place", "score", "verdict"),
    [
        (TWO, (6, 8), 0.9, "each window has a softmax of its own"),
        (ONE, (0, 2), 0.2, "scores of equal texts are added up"),
        (ONE, (0, 2), 0.01, "neither of these"),
    ],
)
def test_why_the_pipeline_is_wrong(windows: Any, place: tuple[int, int], score: float, verdict: str) -> None:
    made = example(*windows)
    found = Agreement(made, [CONTEXT], ours(made, [CONTEXT], 1), [said(place, score)])
    assert found.judged(0) == verdict
    text, details = found.told(1)
    assert "the same characters in 0 of 1 questions" in text
    assert "ours is right in 1, the pipeline in 0" in text
    assert f"{verdict} 1" in details["the pipeline is wrong because"]


def test_answers_as_good_as_each_other_are_both_right() -> None:
    made = example(([FRONT, (0, 2), (3, 5)], [0, 3, 3], [0, 3, 2]), ([FRONT, (6, 8)], [0, 3], [0, 3]))
    found = Agreement(made, [CONTEXT], ours(made, [CONTEXT], 1), [said((6, 8), 0.5)])
    assert found.judged(0) == "both are right"
    assert "ours is right in 1, the pipeline in 1" in found.told(1)[0]


def test_white_space_is_no_difference() -> None:
    made = example(([FRONT, (0, 2), (3, 5)], [0, 1, 3], [0, 1, 3]))
    found = Agreement(made, [CONTEXT], ours(made, [CONTEXT], 1), [said((2, 5), 0.5)])
    text, details = found.told(1)
    assert "the same characters in 1 of 1 questions" in text
    assert details["white space at an end of the pipeline's answer, not counted as a difference"] == 1


def test_a_wrong_answer_of_ours_ends_the_benchmark() -> None:
    """Red when a faster search that misses the best pair passes for one that does not."""
    made = example(([FRONT, (0, 2), (3, 5)], [0, 1, 3], [0, 1, 3]))
    wrong = [[spans.Answer((0, 2), "aa", 1.0)]]
    for other in ((0, 2), (3, 5)):
        with pytest.raises(RuntimeError, match="ours is not the best of all pairs in 1 questions"):
            Agreement(made, [CONTEXT], wrong, [said(other, 0.5)]).told(1)


def test_ours_is_the_best_of_all_pairs_on_logits_of_the_benchmark() -> None:
    rows = Questions(None).long(12)
    made = given(rows, load_tokenizer("mini", offline=True))
    contexts = [context for _, context in rows.texts]
    found = ours(made, contexts, 20)
    answers = [[{**said((0, 0), each.score), "answer": each.text, "start": each.place[0]} for each in q] for q in found]
    text, details = Agreement(made, contexts, found, answers).told(12)
    assert "same characters in 12 of 12" in text
    assert details["answers of a question that both have, and that ours has"] == "20.00 of 20.00"
    assert f"{MAX_ANSWER} tokens" in details["right"]


def test_both_sides_make_the_same_features() -> None:
    rows = made_up(40)
    tokenizers = [load_tokenizer("mini", offline=True) for _ in range(2)]
    mine, theirs = features_of_ours(rows, tokenizers[0]), mapping(rows, tokenizers[1])()
    assert agreement(mine, theirs).startswith("40 windows with the same")
    moved = [max(position - 1, 0) for position in theirs["end_positions"]]
    with pytest.raises(RuntimeError, match="the gold positions of 40 windows differ"):
        agreement(mine, theirs.remove_columns("end_positions").add_column("end_positions", moved))
    with pytest.raises(RuntimeError, match="the windows of both sides differ"):
        agreement(mine, theirs.select(range(39)))


def test_where_the_recipe_slips_is_counted() -> None:
    tokenizer = load_tokenizer("mini", offline=True)
    rows = made_up(8)
    assert rows.answers is not None
    last = [((text.split()[-1], len(text) - len(text.split()[-1])),) for _, text in rows.texts]
    rows.answers[:] = last
    told = agreement(features_of_ours(rows, tokenizer), mapping(rows, load_tokenizer("mini", offline=True))())
    assert int(told.rpartition(" in ")[2]) > 0


def test_the_time_of_features_is_measured_in_a_process_with_one_thread(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert command.main(["features", "--quick", "--results", str(file)]) in {0, 1}
    (row,) = json.loads(file.read_text(encoding="utf-8"))
    assert len(row["values"]) == 2
    assert row["details"]["threads of the tokenizers"] == 1
    assert row["data"].startswith("sentences of the embedded MASSIVE sample")


def test_a_child_has_the_packages_and_variables_that_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "peer.py").write_text(
        "import os\ndef told(number): return {'file': __file__, 'said': os.environ['SAID'], 'number': number}\n"
    )
    found = in_child("peer:told", packages=tmp_path, environment={"SAID": "yes"}, number=3)
    assert found == {"file": str(tmp_path / "peer.py"), "said": "yes", "number": 3}


class Pip:
    """Stands for pip, as the module `subprocess`."""

    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, code: int = 0, stderr: str = "") -> None:
        self.calls: list[list[str]] = []
        self._done = subprocess.CompletedProcess([], code, "", stderr)

    def run(self, command: Sequence[str], **_: Any) -> Any:
        self.calls.append(list(command))
        folder = Path(command[command.index("--target") + 1])
        folder.mkdir()
        (folder / "peer.py").touch()
        return self._done


def test_packages_of_the_other_side_are_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    monkeypatch.setenv("ISOGLOSS_CACHE", str(tmp_path))
    monkeypatch.setattr(elsewhere, "subprocess", pip)
    folder = installed(["peer==1.*"])
    assert installed(["peer==1.*"]) == folder
    assert [path.name for path in folder.iterdir()] == ["peer.py"]
    assert installed(["peer==2.*"]) != folder
    assert [call[-1] for call in pip.calls] == ["peer==1.*", "peer==2.*"]
    assert pip.calls[0][0] == sys.executable


def test_without_an_index_the_rows_are_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Red when a machine without an index leaves a half-made folder, or a row that looks like a miss."""
    monkeypatch.setenv("ISOGLOSS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(elsewhere, "subprocess", Pip(1, "WARNING: …\nERROR: no matching distribution\n"))
    context = Context(quick=True, data={}, scratch=tmp_path)
    with pytest.raises(LeftOut, match=r"transformers==4\.57\.\* cannot be installed: ERROR: no matching distribution"):
        next(spans.measure(context))
    assert command._run(spans.BENCHMARK, context) == []
    assert "left out: transformers==4.57.* cannot be installed" in capsys.readouterr().out
    assert list((tmp_path / "cache").iterdir()) == []
    assert "needs transformers 4.57, from a package index" in render([], [spans.BENCHMARK])


def test_rows_measured_before_a_benchmark_is_left_out_are_kept(tmp_path: Path) -> None:
    promise = Promise("speed", "ours / theirs", 1.0, "at least")

    def measure(context: Context) -> Iterator[Measurement]:
        yield Measurement(promise, [2.0])
        raise LeftOut("nothing more is here")

    found = command._run(Benchmark("both", (promise,), measure), Context(quick=True, data={}, scratch=tmp_path))
    assert [row["values"] for row in found] == [[2.0]]


@pytest.mark.slow
def test_spans_are_measured_where_there_is_an_index(tmp_path: Path) -> None:
    try:
        measured = list(spans.measure(Context(quick=True, data={}, scratch=tmp_path)))
    except LeftOut as why:
        pytest.skip(str(why))
    assert [found.promise.row for found in measured] == ["spans.best", "spans.twenty"]
    assert all("transformers 4.57." in found.details["both in one process with"] for found in measured)
