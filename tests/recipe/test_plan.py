"""Content keys: phases are shared where their content is equal, and only there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from isogloss.data.task import Task
from isogloss.recipe.keys import settings_content
from isogloss.recipe.plan import make_plan
from isogloss.recipe.planned import Cell, Plan
from isogloss.recipe.rehearsal import PhaseSize, rehearse
from recipe.support import SMALL, Fingerprints, load, plan

AXES = '\n[axes]\nauxiliary = [["el"], ["ur"], ["el", "ur"]]\n'


def keys(planned: Plan, name: str) -> set[str]:
    return {phase.key for phase in planned.phases.values() if phase.name == name}


def _pairs(one: Cell, other: Cell) -> bool:
    return (one.axes, one.seeds["adapt"]) == (other.axes, other.seeds["adapt"])


def cell_keys(planned: Plan) -> dict[tuple[str, ...], str]:
    return {(cell.variant, *cell.axes.get("auxiliary", ())): cell.final for cell in planned.cells}


def test_the_source_phase_is_planned_once_for_all_variants_and_cells(tmp_path: Path) -> None:
    planned = plan(tmp_path, SMALL + AXES)
    assert len(planned.cells) == 6
    assert len(keys(planned, "source")) == 1
    assert len(keys(planned, "meta")) == 3  # one an axis value, of the one variant that has it
    assert len(keys(planned, "adapt")) == 6
    [source] = keys(planned, "source")
    assert len(planned.users(source)) == 6
    assert {cell.phases[0] for cell in planned.cells} == {source}


RELEVANT = {
    "learning rate": "phases.source.optimizer.learning_rate=1e-3",
    "optimizer": "phases.source.optimizer.name=sgd",
    "schedule": "phases.source.schedule=linear",
    "length": "phases.source.epochs=2",
    "unit of length": "phases.source.steps=1",
    "batch": "phases.source.batch_size=16",
    "parts of a batch": "phases.source.accumulation=2",
    "clipping": "phases.source.clip=0.5",
    "rates": "phases.source.rates={head=0.5}",
    "frozen": "phases.source.freeze=[3]",
    "frozen below": "phases.source.freeze_bottom=3",
    "decay": "phases.source.layer_decay=0.9",
    "choice of a step": "phases.source.select={on='source', every=7}",
    "task": "phases.source.on.task=xnli",
    "split": "phases.source.on.split=validation",
    "subset": "phases.source.on.examples=30",
    "languages": "languages.source=['en', 'fr']",
    "precision": "precision=fp32",
    "length of an example": "max_length=64",
    "encoder": "encoder=other",
}


@pytest.mark.parametrize("change", RELEVANT.values(), ids=RELEVANT)
def test_a_setting_that_matters_changes_the_key_and_all_that_follow(tmp_path: Path, change: str) -> None:
    text = SMALL.replace('languages = "source"', 'task = "xnli", languages = "source"').replace('task = "mnli", ', "")
    text = text if "task" not in change else SMALL
    before, after = plan(tmp_path, text), plan(tmp_path, text, sets=(change,))
    for name in ("source", "meta", "adapt"):
        assert not keys(before, name) & keys(after, name)
    assert not {cell.key for cell in before.cells} & {cell.key for cell in after.cells}


@pytest.mark.parametrize("changed", ["mnli/en/train", "mini"])
def test_changed_data_or_encoder_changes_the_key(tmp_path: Path, changed: str) -> None:
    assert not keys(plan(tmp_path), "source") & keys(plan(tmp_path, changed=changed), "source")


def test_changed_test_data_changes_runs_but_no_phase(tmp_path: Path) -> None:
    before, after = plan(tmp_path), plan(tmp_path, changed="xnli/fr/test")
    assert before.phases.keys() == after.phases.keys()
    assert not {cell.key for cell in before.cells} & {cell.key for cell in after.cells}


def test_the_rates_key_is_part_of_what_uses_them(tmp_path: Path) -> None:
    before, after = plan(tmp_path), plan(tmp_path, sets=("phases.meta.method.window=3",))
    assert keys(before, "source") == keys(after, "source")
    assert cell_keys(before)["pooled",] == cell_keys(after)["pooled",]
    assert cell_keys(before)["learned",] != cell_keys(after)["learned",]
    reduced = plan(tmp_path, sets=("phases.adapt.rates.reduce=mean",))
    assert cell_keys(before)["learned",] != cell_keys(reduced)["learned",]


def test_versions_are_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isogloss.kinds.text_classification import TextClassification
    from isogloss.methods.meta_optimizer import MetaOptimizer

    before = plan(tmp_path)
    monkeypatch.setattr(MetaOptimizer, "version", MetaOptimizer.version + 1)
    newer = plan(tmp_path)
    assert keys(before, "source") == keys(newer, "source")
    assert keys(before, "meta").isdisjoint(keys(newer, "meta"))
    monkeypatch.setattr(TextClassification, "version", TextClassification.version + 1)
    assert keys(before, "source").isdisjoint(keys(plan(tmp_path), "source"))


IRRELEVANT = {
    "name": ('name = "small"', 'name = "other"'),
    "description": ('name = "pooled"', 'name = "pooled"\ndescription = "plain"'),
    "name of a variant": ('name = "learned"', 'name = "soft"'),
    "name of a phase": ('"adapt"', '"later"'),
    "order of languages": ('["source", "auxiliary"]', '["auxiliary", "source"]'),
    "order of codes": ('["el", "ur"]', '["ur", "el"]'),
    "order of keys": ('method = "finetune"\nepochs = 1', 'epochs = 1\nmethod = "finetune"'),
    "a default written out": ("rounds = 2", "rounds = 2, window = 15"),
    "a whole number": ("epochs = 2", "epochs = 2.0"),
    "exact memory saving": ("epochs = 2", "epochs = 2\ngradient_checkpointing = true"),
    "arguments of the optimizer written out": (
        "epochs = 2",
        "epochs = 2\noptimizer = { betas = [0.9, 0.999], weight_decay = 0.0 }",
    ),
    "arguments of another optimizer": ("epochs = 2", "epochs = 2\noptimizer = { eps = 1e-8 }"),
    "what stays on disk": ('task = "xnli"', 'task = "xnli"\nkeep = "all"'),
    "languages tested on": ('target = ["fr", "el", "en"]', 'target = "all"'),
    "draw of no subset": ('task = "xnli"', 'task = "xnli"\ndraw = 3'),
    "name of a profile": ("[profiles.tiny]", "[profiles.wee]"),
    "where the data is": ('task = "xnli"', 'task = "xnli"\ndata = { xnli = "folder" }'),
}


@pytest.mark.parametrize("change", IRRELEVANT.values(), ids=IRRELEVANT)
def test_what_does_not_matter_leaves_every_key(tmp_path: Path, change: tuple[str, str]) -> None:
    assert change[0] in SMALL
    text = SMALL.replace(*change)
    text = text.replace("phases.adapt", "phases.later") if change[1] == '"later"' else text
    assert plan(tmp_path, text).phases.keys() == plan(tmp_path).phases.keys()


def test_the_profiles_name_is_no_part_of_the_key(tmp_path: Path) -> None:
    by_profile = make_plan(load(tmp_path, profile="tiny"), Fingerprints())
    assert by_profile.phases.keys() == plan(tmp_path, sets=("max_length=64",)).phases.keys()


def test_what_an_optimizer_is_told_in_keys_and_records(tmp_path: Path) -> None:
    """Stored phases are found again only if this stays as it is for the optimizers that they were trained with."""
    written = {"learning_rate": 2e-5, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0}
    kept = {"adam": ("betas", "eps", "weight_decay"), "sgd": ("momentum", "weight_decay")}
    for name, own in (*kept.items(), ("adamw", kept["adam"])):
        phase = load(tmp_path, sets=(f"phases.source.optimizer.name={name}",)).phase("source")
        assert phase.optimizer.model_dump() == {"name": name, **written}
        told = {argument: written[argument] for argument in own}
        assert settings_content(phase)["optimizer"] == {"name": name, "learning_rate": 2e-5, **told}
    adagrad = load(tmp_path, sets=("phases.source.optimizer={name='adagrad', lr_decay=0.1}",)).phase("source").optimizer
    told = {"lr_decay": 0.1, "initial_accumulator_value": 0.0, "eps": 1e-10, "weight_decay": 0.0}
    assert adagrad.arguments() == told
    assert told.items() <= adagrad.model_dump().items()


def test_a_draw_matters_where_a_subset_is_drawn(tmp_path: Path) -> None:
    subset = "phases.adapt.on.share=0.5"
    one, two = plan(tmp_path, sets=(subset,)), plan(tmp_path, sets=(subset, "draw=1"))
    assert keys(one, "source") == keys(two, "source")
    assert keys(one, "adapt").isdisjoint(keys(two, "adapt"))


def test_draws_are_named_after_places_not_names(tmp_path: Path) -> None:
    planned = plan(tmp_path)
    assert {phase.name: phase.stream for phase in planned.phases.values()} == {
        "source": "0.weights",
        "meta": "1.rates",
        "adapt": "1.weights",
    }


def test_one_number_of_seeds_is_the_same_in_every_phase(tmp_path: Path) -> None:
    planned = plan(tmp_path, sets=("seeds=3",))
    assert len(planned.cells) == 6
    assert [cell.seeds for cell in planned.cells if cell.variant == "learned"] == [
        {"source": s, "meta": s, "adapt": s} for s in range(3)
    ]
    assert len(keys(planned, "source")) == 3


def test_seeds_by_phase_are_crossed_and_inherited(tmp_path: Path) -> None:
    planned = plan(tmp_path, sets=("seeds={source=2, adapt=3}",))
    learned = [cell.seeds for cell in planned.cells if cell.variant == "learned"]
    assert learned == [{"source": s, "meta": s, "adapt": a} for s in range(2) for a in range(3)]
    assert (len(keys(planned, "source")), len(keys(planned, "meta")), len(keys(planned, "adapt"))) == (
        2,
        2,
        12,
    )


def test_a_skipped_phase_takes_its_seeds_with_it(tmp_path: Path) -> None:
    text = SMALL + '[[variants]]\nname = "alone"\nskip = ["meta", "adapt"]\n'
    planned = plan(tmp_path, text, sets=("seeds={source=2, adapt=3}",))
    assert [cell.seeds for cell in planned.cells if cell.variant == "alone"] == [{"source": 0}, {"source": 1}]


def test_seen_languages_are_those_of_every_phase(tmp_path: Path) -> None:
    text = SMALL + '[[variants]]\nname = "alone"\nskip = ["meta", "adapt"]\n' + AXES
    planned = plan(tmp_path, text)
    seen = {(cell.variant, cell.axes["auxiliary"]): cell.seen for cell in planned.cells}
    assert seen["pooled", ("el",)] == ("el", "en")
    assert seen["learned", ("el", "ur")] == ("el", "en", "ur")
    assert seen["alone", ("el",)] == ("en",)
    cell = next(c for c in planned.cells if c.variant == "learned" and c.axes["auxiliary"] == ("el",))
    assert [cell.role(code) for code in cell.target] == ["unseen", "auxiliary", "source"]


def test_equal_content_in_different_cells_is_told_apart_by_name_only(tmp_path: Path) -> None:
    text = SMALL + '[[variants]]\nname = "alone"\nskip = ["meta", "adapt"]\n' + AXES
    alone = [cell for cell in plan(tmp_path, text).cells if cell.variant == "alone"]
    assert len({cell.final for cell in alone}) == 1
    assert len({cell.key for cell in alone}) == 3


def test_targets_that_are_trained_on_are_those_that_the_source_has(tmp_path: Path) -> None:
    """As cells are tested on; a sample has fewer languages than its task names."""

    class Sample(Fingerprints):
        def languages(self, task: Task, split: str) -> tuple[str, ...]:
            return ("en", "fr", "el")

    text = SMALL.replace('languages = ["source", "auxiliary"]', 'languages = "target"')
    for target, expected in (('"all"', ("el", "en", "fr")), ('["fr", "de"]', ("de", "fr"))):
        planned = make_plan(load(tmp_path, text.replace('["fr", "el", "en"]', target)), Sample())
        trained = {phase.languages for phase in planned.phases.values() if phase.name != "source"}
        assert trained == {expected} == {tuple(sorted(cell.target)) for cell in planned.cells}


def test_a_borrowed_length_is_that_of_the_phases_without_the_variant(tmp_path: Path) -> None:
    text = SMALL + '[[variants]]\nname = "same"\nskip = ["meta"]\nset."phases.adapt.rates" = 1.0\n'
    text += 'set."phases.adapt.as_long_as" = ["meta", "adapt"]\n' + AXES
    planned = plan(tmp_path, text, sets=("seeds=2",))
    for cell in planned.cells:
        if cell.variant == "same":
            final = planned.phases[cell.final]
            learned = next(other for other in planned.cells if _pairs(other, cell) and other.variant == "learned")
            assert tuple(phase.key for phase in final.as_long_as) == learned.phases[1:]
            assert final.phase.length is None


def test_a_borrowed_length_is_part_of_the_key(tmp_path: Path) -> None:
    borrowed = 'variants=["pooled"]', "phases.adapt.epochs=2"
    text = SMALL.replace('skip = ["meta"]', 'skip = ["meta"]\nset."phases.adapt.as_long_as" = ["meta", "adapt"]')
    finals = {
        plan(tmp_path, text.replace('["meta", "adapt"]', lenders), sets=(*borrowed, setting)).cells[0].final
        for lenders in ('["meta", "adapt"]', '["meta"]')
        for setting in ("phases.meta.method.rounds=2", "phases.meta.method.rounds=3")
    }
    assert len(finals) == 4


def test_the_order_of_the_heads_labels_is_part_of_the_key(tmp_path: Path) -> None:
    labels = "{name='xnli', labels=['neutral', 'entailment', 'contradiction']}"
    assert keys(plan(tmp_path), "source").isdisjoint(keys(plan(tmp_path, sets=(f"task={labels}",)), "source"))


def test_rows_that_choose_a_step_are_part_of_the_key(tmp_path: Path) -> None:
    sets = "phases.adapt.select=selection", "languages.selection=['de']", "phases.meta.on.split=train"
    before, after = (plan(tmp_path, sets=sets, changed=changed) for changed in ("", "xnli/de/validation"))
    assert keys(before, "meta") == keys(after, "meta")
    assert keys(before, "adapt").isdisjoint(keys(after, "adapt"))


def test_the_order_of_frozen_groups_does_not_matter(tmp_path: Path) -> None:
    one, two = (plan(tmp_path, sets=(f"phases.source.freeze={f}",)) for f in ("[1, 'head']", "['head', 1, 1]"))
    assert one.phases.keys() == two.phases.keys()


def test_the_rehearsal_names_each_phase_once_with_its_runs(tmp_path: Path) -> None:
    rows = rehearse(plan(tmp_path, SMALL + AXES), lambda phase: PhaseSize(len(phase.languages), 10))
    assert [(row.phase, row.languages, row.steps, row.examples, row.runs) for row in rows[:3]] == [
        ("source", ("en",), 1, 10, 6),
        ("adapt", ("el", "en"), 2, 10, 1),
        ("adapt", ("en", "ur"), 2, 10, 1),
    ]
    assert len(rows) == 1 + 3 + 6


def test_planning_needs_no_torch() -> None:
    code = "import sys, isogloss.recipe.plan; from isogloss.recipe.load import load_recipe as load;"
    code += "load('xu2021-table1', profile='mini');"
    subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=True)


def test_a_draw_is_part_of_the_key_where_something_is_drawn(tmp_path: Path) -> None:
    """Which examples are tested on, and which are held out to choose a step by."""
    for sets in (("evaluation.examples=30",), ("phases.source.select=source", "languages.target=['fr']")):
        one, other = (plan(tmp_path, sets=(*sets, f"draw={draw}")) for draw in (0, 1))
        assert {cell.key for cell in one.cells}.isdisjoint(cell.key for cell in other.cells)
    plain, drawn = (plan(tmp_path, sets=(f"draw={draw}",)) for draw in (0, 1))
    assert plain.phases.keys() == drawn.phases.keys()


def test_a_phase_can_have_a_precision_of_its_own(tmp_path: Path) -> None:
    plain, mixed = plan(tmp_path), plan(tmp_path, sets=("phases.adapt.precision=fp32", "precision=bf16"))
    same = plan(tmp_path, sets=("precision=bf16",))
    assert keys(mixed, "source") == keys(same, "source")
    assert keys(mixed, "adapt").isdisjoint(keys(same, "adapt"))
    assert {phase.precision for phase in mixed.phases.values() if phase.name == "adapt"} == {"fp32"}
    assert {cell.precision for cell in mixed.cells} == {"bf16"}  # all are tested alike
    others = ("precision=fp32", "phases.source.precision=bf16", "phases.meta.precision=bf16")
    tested_in_another = plan(tmp_path, sets=others)
    assert keys(tested_in_another, "adapt") == keys(mixed, "adapt")
    assert {cell.key for cell in tested_in_another.cells}.isdisjoint(cell.key for cell in mixed.cells)
    assert plan(tmp_path, sets=("phases.adapt.precision=auto",)).phases.keys() == plain.phases.keys()


def test_a_phase_draws_alike_where_a_variant_skips_what_it_comes_after(tmp_path: Path) -> None:
    between = '[[variants]]\nname = "straight"\nskip = ["between"]\n'
    text = SMALL.replace('rates = { from = "meta" }\n', "").replace('name = "meta"\n', 'name = "between"\nepochs = 1\n')
    text = text.replace('method = { name = "meta_optimizer", rounds = 2 }', 'method = "finetune"')
    text = text[: text.index("[[variants]]")].replace(
        'name = "adapt"\nafter = "source"', 'name = "adapt"\nafter = "between"'
    )
    planned = plan(tmp_path, text + between + '[[variants]]\nname = "whole"\n')
    assert len(keys(planned, "adapt")) == 2
    assert len({phase.stream for phase in planned.phases.values() if phase.name == "adapt"}) == 1
