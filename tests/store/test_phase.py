"""A phase on the disk: product, log and checkpoint through kills and full disks."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from isogloss.errors import Mistakes
from isogloss.store import LearnedRates, PhaseFolder


@pytest.fixture
def phase(tmp_path: Path) -> PhaseFolder:
    folder = PhaseFolder(tmp_path / "phases" / "abc123")
    folder.begin({"name": "adapt", "languages": ["el"]})
    return folder


def _write(text: str):
    return lambda folder: (folder / "state").write_text(text)


def _state(phase: PhaseFolder) -> str | None:
    found = phase.resume()
    return (found.folder / "state").read_text() if found else None


def test_a_phase_is_done_when_its_product_is_there_and_not_before(phase: PhaseFolder) -> None:
    assert not phase.done
    phase.save_checkpoint(1, _write("one"), {})
    phase.finish(lambda path: path.write_bytes(b"tensors"), {"steps": 2, "loss": np.float32(0.5)})
    assert phase.done
    assert phase.usable
    assert phase.weights.read_bytes() == b"tensors"
    assert phase.summary["steps"] == 2
    assert phase.spec == {"name": "adapt", "languages": ["el"]}
    assert not (phase.path / "checkpoint").exists()
    phase.weights.unlink()
    assert phase.done
    assert not phase.usable


def test_rates_come_back_with_their_course(phase: PhaseFolder) -> None:
    course = [{"head": 0.9}, {"head": 0.8}]
    phase.finish(LearnedRates({"head": np.float64(0.8), "layer.1": 1.0}, course), {})
    assert phase.usable
    assert phase.rates() == LearnedRates({"head": 0.8, "layer.1": 1.0}, tuple(course))


def test_a_full_disk_at_the_end_leaves_the_phase_undone_and_its_checkpoint(phase: PhaseFolder) -> None:
    phase.save_checkpoint(7, _write("seven"), {})

    def full(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "no space")

    with pytest.raises(Mistakes, match="full"):
        phase.finish(full, {})
    assert not phase.done
    assert not phase.weights.exists()
    assert _state(phase) == "seven"


def test_the_newest_whole_checkpoint_is_the_one_that_counts(phase: PhaseFolder) -> None:
    assert phase.resume() is None
    phase.save_checkpoint(9, _write("nine"), {"epoch": 1})
    phase.save_checkpoint(10, _write("ten"), {"epoch": 2})
    found = phase.resume()
    assert found is not None
    assert (found.step, found.meta) == (10, {"epoch": 2})
    assert _state(phase) == "ten"
    assert [path.name for path in (phase.path / "checkpoint").iterdir()] == ["step-0000000010"]


def test_a_checkpoint_that_fails_leaves_the_one_before(phase: PhaseFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    phase.save_checkpoint(1, _write("one"), {})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(Mistakes, match="full"):
            phase.save_checkpoint(2, _write("two"), {})
    assert _state(phase) == "one"


def test_a_checkpoint_torn_by_a_kill_is_not_seen_and_goes(phase: PhaseFolder) -> None:
    phase.save_checkpoint(1, _write("one"), {})
    torn = phase.path / "checkpoint" / ".tmp-step-0000000002-x"
    torn.mkdir()
    (torn / "checkpoint.json").write_text('{"step": 2, "meta": {}}')
    assert _state(phase) == "one"
    phase.save_checkpoint(3, _write("three"), {})
    assert not torn.exists()


def test_on_resume_the_log_is_cut_back_to_the_checkpoint(phase: PhaseFolder) -> None:
    for step in (1, 2, 3):
        phase.log(step, loss=1.0 / step)
        if step == 2:
            phase.save_checkpoint(2, _write("two"), {})
    with (phase.path / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    assert [row["step"] for row in phase.read_log()] == [1, 2, 3]
    phase.resume()
    phase.log(3, loss=0.25)
    assert phase.read_log() == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}, {"step": 3, "loss": 0.25}]


def test_without_a_checkpoint_the_log_starts_anew(phase: PhaseFolder) -> None:
    phase.log(1, loss=1.0)
    assert phase.resume() is None
    assert phase.read_log() == []


def test_the_log_is_json_even_where_a_loss_is_not_finite(phase: PhaseFolder) -> None:
    phase.log(1, loss=float("inf"))
    text = (phase.path / "log.jsonl").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"step": 1, "loss": None}


def test_a_failure_is_told_and_cleared_by_the_next_attempt(phase: PhaseFolder) -> None:
    phase.fail("the loss is not finite at step 3")
    assert (phase.error, phase.traceback) == ("the loss is not finite at step 3", "")
    phase.fail("RuntimeError: out of luck", "Traceback:\n  line 3\n")
    assert (phase.error, phase.traceback) == ("RuntimeError: out of luck", "Traceback:\n  line 3\n")
    phase.begin(phase.spec)
    assert (phase.error, phase.traceback) == (None, "")
