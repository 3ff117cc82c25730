from __future__ import annotations

import statistics

import pytest

from isogloss.errors import Mistakes
from isogloss.evaluation.frame import Arm
from isogloss.evaluation.reference import AVERAGE, deviations, load_reference, reference_of, references
from isogloss.recipe.load import load_recipe


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


def by_row(name: str, metric: str | None = None) -> dict[str, dict[str, float]]:
    rows = load_reference(name, metric).rows
    return {
        " ".join(filter(None, (row.arm.variant, dict(row.arm.cell)["auxiliary"]))): dict(row.values) for row in rows
    }


def test_a_table_may_print_two_metrics() -> None:
    f1, exact = (by_row("liu2021-table4-zero-shot", metric) for metric in ("mlqa_f1", "mlqa_exact_match"))
    assert by_row("liu2021-table4-zero-shot") == f1
    assert (f1["finetune"]["hi"], exact["finetune"]["hi"]) == (42.63, 29.85)
    assert load_reference("liu2021-table4-zero-shot", "mlqa_exact_match").metric == "mlqa_exact_match"
    assert f1.keys() == exact.keys() == {"finetune", "X-MAML hi", "XLA-MAML hi"}
    assert all(exact[row][language] < value for row in f1 for language, value in f1[row].items())


def test_a_metric_that_is_not_printed_is_refused() -> None:
    """Red when printed accuracies stand beside our F1."""
    for name, metric in (("xu2021-table1", "macro_f1"), ("liu2021-table4-few-shot", "squad_f1")):
        with pytest.raises(Mistakes, match=f'--compare: "{name}" prints no "{metric}"; .*--metric'):
            load_reference(name, metric)


def test_table_6_repeats_table_4_but_for_its_slip() -> None:
    cover, table4 = by_row("liu2021-table6-qa")["XLA-MAML cover hi"], by_row("liu2021-table4-zero-shot")
    assert cover == table4["XLA-MAML hi"] | {"ar": table4["X-MAML hi"]["ar"]}
    about = load_reference("liu2021-table6-qa").about
    assert all(str(value) in about for value in (cover["ar"], table4["XLA-MAML hi"]["ar"]))


def test_rows_tested_on_are_told_for_every_language_printed() -> None:
    for reference in map(load_reference, references()):
        printed = {language for row in reference.rows for language in row.values} - {AVERAGE}
        assert not reference.test_rows or set(reference.test_rows) >= printed


@pytest.mark.parametrize("name", ["liu2021-table4-zero-shot", "liu2021-table4-few-shot", "liu2021-table6-qa"])
def test_the_recipes_of_question_answering_have_the_printed_setting(name: str) -> None:
    """But for Adam with weight decay, which here is AdamW. Red when a key is misspelt: it is then not set."""
    assert [str(one) for one in deviations(load_recipe(name).model_dump(), load_reference(name).setting)] == [
        "phases.meta.optimizer.name: adamw here, adam printed"
    ]


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
