from __future__ import annotations

import statistics

import pytest

from isogloss.errors import Mistakes
from isogloss.evaluation.frame import Arm
from isogloss.evaluation.reference import AVERAGE, deviations, load_reference, reference_of, references


@pytest.mark.parametrize("name", references())
def test_every_printed_table_can_be_read(name: str) -> None:
    reference = load_reference(name)
    assert reference.rows
    assert all(20 < value < 100 for row in reference.rows for value in row.values.values())
    assert {row.arm.variant for row in reference.rows} >= set(reference.oracle)


@pytest.mark.parametrize("name", ["xu2021-table1", "xu2021-table2"])
def test_printed_averages_are_those_of_the_languages_named(name: str) -> None:
    """Red when `average` names other languages than the paper averaged."""
    reference = load_reference(name)
    whole = [row for row in reference.rows if AVERAGE in row.values and len(row.values) == 15]
    assert len(whole) >= 3
    for row in whole:
        mean = statistics.fmean(row.values[language] for language in reference.average)
        assert mean == pytest.approx(row.values[AVERAGE], abs=0.02)


def test_the_row_of_english_is_the_average_of_freezing_nothing() -> None:
    figure = load_reference("philippy2023-figure3")
    english = next(row for row in figure.rows if row.arm == Arm("finetune", (("source", "en"),)))
    full = next(row for row in load_reference("philippy2023-table3").rows if row.arm.variant == "full")
    assert statistics.fmean(english.values.values()) == pytest.approx(full.values[AVERAGE], abs=0.01)
    assert set(english.values) == set(figure.average)


def test_a_recipe_knows_its_paper() -> None:
    found = reference_of("xu2021-table1")
    assert found is not None
    assert found.name == "xu2021-table1"
    assert reference_of("my-own") is None


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(Mistakes, match="no printed table"):
        load_reference("devlin2019")


def test_deviations_are_found_in_nested_settings() -> None:
    ours = {
        "encoder": "mini",
        "seeds": {"together": None, "by_phase": {"source": 1, "adapt": 3}},
        "languages": {"source": ("en",)},
        "phases": (
            {"name": "source", "epochs": 1.0, "method": {"name": "finetune", "settings": {}}},
            {"name": "meta", "method": {"name": "meta_optimizer", "settings": {"rounds": 4}}},
        ),
    }
    printed = {
        "encoder": "bert",
        "seeds": 5,
        "languages.source": ["en"],
        "phases.source.epochs": 1,
        "phases.meta.method.rounds": 10,
        "phases.adapt.epochs": 2,
    }
    assert [str(one) for one in deviations(ours, printed)] == [
        "encoder: mini here, bert printed",
        "seeds: 1 source × 3 adapt here, 5 printed",
        "phases.meta.method.rounds: 4 here, 10 printed",
        "phases.adapt.epochs: not set here, 2 printed",
    ]
