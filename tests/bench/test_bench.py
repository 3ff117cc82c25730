"""The arithmetic of the benchmarks: ratios by pair, medians, promises, and a page that shows every miss."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from bench.curves import beyond_seed_noise, blocks
from bench.harness import Benchmark, Context, Measurement, Pairs, Promise, alternate, summary
from bench.material import Material
from bench.meta_step import largest_ratio
from bench.results import append, failure, kept, load, record, render
from bench.unrolled import peer, without_dropout
from bench.work import counted

from bench import __main__ as command
from bench import maml_step

FAST = Promise("speed", "examples a second, ours / theirs", 1.5, "at least")
SMALL = Promise("memory", "bytes, ours / theirs", 1.02, "at most")
BENCHMARKS = (Benchmark("both", (FAST, SMALL), lambda context: iter(())),)
MACHINE = {"cpu": "a processor", "cores": 2, "gpu": None}
ABOUT = {"data": "some rows", "commit": "abc"}


def row(promise: Promise, *values: float, **about: str) -> dict:
    return record(Measurement(promise, values), MACHINE, ABOUT | about)


def cells(page: str, name: str) -> list[str]:
    line = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_sides_alternate_after_the_warm_up() -> None:
    order: list[str] = []
    found = alternate(
        lambda: order.append("a") or 2.0,
        lambda: order.append("b") or 4.0,
        pairs=3,
        warm_up=lambda: order.append("warm"),
    )
    assert order == ["warm", "a", "b", "a", "b", "a", "b"]
    assert found == ([2.0] * 3, [4.0] * 3)


def test_ratios_are_taken_by_pair_and_not_of_medians() -> None:
    pairs = Pairs(ours=[1.0, 2.0, 10.0], theirs=[3.0, 8.0, 20.0])
    assert pairs.theirs_by_ours() == [3.0, 4.0, 2.0]
    assert pairs.ours_by_theirs() == [1 / 3, 1 / 4, 1 / 2]
    assert summary(pairs.theirs_by_ours()) == (3.0, 2.0, 4.0)  # the medians' ratio would be 4


def test_nothing_measured_has_no_median() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        summary([])


@pytest.mark.parametrize(("promise", "on", "off"), [(FAST, 1.5, 1.49), (SMALL, 1.02, 1.03)])
def test_a_promise_is_kept_up_to_its_bound(promise: Promise, on: float, off: float) -> None:
    assert promise.kept(on)
    assert not promise.kept(off)
    assert kept(row(promise, on))
    assert not kept(row(promise, off))


def test_the_median_decides_not_the_best_pair() -> None:
    assert not kept(row(FAST, 1.4, 1.2, 9.0))
    assert kept(row(FAST, 1.6, 1.2, 9.0))


def test_a_miss_is_shown_as_a_miss() -> None:
    page = render([row(FAST, 1.4, 1.2, 9.0), row(SMALL, 1.01)], BENCHMARKS)
    speed, memory = cells(page, "speed"), cells(page, "memory")
    assert speed[2:7] == ["≥ 1.5 ×", "1.4 ×", "1.2 to 9", "3", "**NO**"]
    assert memory[2:7] == ["≤ 1.02 ×", "1.010 ×", "–", "1", "yes"]


def test_a_benchmark_that_died_is_shown_as_a_miss() -> None:
    died = failure(FAST, "MemoryError: no more", MACHINE, ABOUT)
    assert not kept(died)
    page = render([died], BENCHMARKS)
    assert cells(page, "speed")[3:7] == ["failed", "–", "0", "**NO**"]
    assert "MemoryError: no more" in page


def test_a_later_success_does_not_hide_an_earlier_miss() -> None:
    page = render([row(FAST, 1.0), row(FAST, 2.0)], BENCHMARKS)
    assert page.count("| `speed`") == 1
    assert cells(page, "speed")[6:8] == ["yes", "0 of 1"]


def test_machines_and_rows_of_data_do_not_mix() -> None:
    elsewhere = record(Measurement(FAST, [3.0]), MACHINE | {"cpu": "another"}, ABOUT)
    page = render([row(FAST, 1.0), elsewhere, row(FAST, 2.0, data="yet other rows")], BENCHMARKS)
    assert page.count("| `speed`") == 3
    assert "## Machine 2" in page
    assert [line.count("**NO**") for line in page.splitlines() if line.startswith("| `speed`")] == [1, 0, 0]


def test_what_was_never_run_is_listed() -> None:
    assert "- `memory`: bytes, ours / theirs, ≤ 1.02 ×" in render([row(FAST, 2.0)], BENCHMARKS)
    assert "Not run" not in render([row(FAST, 2.0), row(SMALL, 1.0)], BENCHMARKS)


def test_runs_append(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"
    assert load(path) == []
    append(path, [row(FAST, 1.0)])
    both = append(path, [row(FAST, 2.0)])
    assert load(path) == both
    assert [found["values"] for found in json.loads(path.read_text())] == [[1.0], [2.0]]


def test_counts_that_only_one_side_has_are_not_overlooked() -> None:
    assert largest_ratio({"forwards": 2, "backwards": 2}, {"forwards": 2, "backwards": 2}) == 1
    assert largest_ratio({"forwards": 2, "backwards": 3}, {"forwards": 2, "backwards": 2}) == 1.5
    assert largest_ratio({"forwards": 2, "backwards": 3}, {"forwards": 2}) == float("inf")


@pytest.mark.slow
def test_a_first_order_meta_step_is_two_plain_gradients_and_an_outer_step(tmp_path: Path) -> None:
    steps, _ = maml_step.open_steps(Context(quick=True, data={}, scratch=tmp_path), 2)
    ours, theirs = maml_step.work_of(steps.ours), maml_step.work_of(steps.theirs)
    extra = ours.pop(maml_step.ELEMENTWISE) - theirs.pop(maml_step.ELEMENTWISE)
    assert ours == theirs
    assert (ours["forwards"], ours["backwards"], ours["optimizer steps"]) == (2, 2, 1)
    assert extra < 4 * len(steps.learner.params)  # θ', and two norms


@pytest.mark.slow
def test_the_peer_of_meta_gradients_moves_what_ours_moves(tmp_path: Path) -> None:
    context = Context(quick=True, data={}, scratch=tmp_path)
    model, group_of = peer(Material.of(context), str(without_dropout(context)))
    moving = {group_of[name] for name, value in model.named_parameters() if value.requires_grad}
    frozen = {group_of[name] for name, value in model.named_parameters() if not value.requires_grad}
    assert frozen == {"embeddings"}
    assert moving == {*group_of.values()} - frozen
    assert model.training
    assert model.config._attn_implementation == "eager"


def test_work_is_counted() -> None:
    weight = torch.ones(3, 4, requires_grad=True)
    optimizer = torch.optim.Adam([weight])
    with counted() as work:
        (weight.grad,) = torch.autograd.grad((torch.ones(5, 3) @ weight).sum(), [weight])
        optimizer.step()
    figures = work.figures()
    assert (figures["backwards"], figures["optimizer steps"], figures["numbers updated"]) == (1, 1, 12)
    assert figures["multiply-adds"] == 2 * 5 * 3 * 4
    assert figures["bytes of optimizer state"] == 2 * 12 * 4 + 4  # two moments, and the number of steps
    again = work.figures()
    optimizer.step()
    assert work.figures() == again


def test_curves_that_differ_by_seeds_alone_are_about_as_far_apart_as_any_halves() -> None:
    drawn = np.random.default_rng(0).normal(size=(200, 6, 12))
    ratios, chances = zip(*(beyond_seed_noise(list(runs[:3]), list(runs[3:])) for runs in drawn), strict=True)
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)
    assert np.mean(np.array(chances) <= 0.1) == pytest.approx(0.1, abs=0.05)
    shifted, chance = beyond_seed_noise(list(drawn[0, :3] + 5), list(drawn[0, 3:]))
    assert shifted > 2
    assert chance == 0.1


def test_losses_are_averaged_over_whole_blocks() -> None:
    assert blocks([1, 3, 5, 7, 100], 2).tolist() == [2, 6]


def test_every_benchmark_is_listed_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(command.BENCHMARKS)
    rows = [promise.row for benchmark in command.BENCHMARKS for promise in benchmark.promises]
    assert len(rows) == len(set(rows))


def test_a_benchmark_that_takes_no_rows_says_what_it_took(tmp_path: Path) -> None:
    """Red when numbers of random points stand as numbers of the embedded sample."""
    file = tmp_path / "results.json"
    command.main(["mantel", "--quick", "--results", str(file)])
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert {row["data"].partition(" (")[0] for row in rows} == {"distances between random points"}


def test_an_unknown_benchmark_is_refused() -> None:
    with pytest.raises(SystemExit, match="no benchmark is called speed"):
        command.main(["speed"])
