"""Every recipe that comes with the package, in every profile."""

from __future__ import annotations

import pytest

from isogloss.recipe.load import load_recipe, profiles, shipped
from isogloss.recipe.model import Recipe
from isogloss.recipe.plan import axis_values, make_plan
from isogloss.recipe.planned import Plan
from recipe.support import Fingerprints

EVERY = [(name, profile) for name in shipped() for profile in (None, *profiles(name))]
XU2021 = (
    "pooled meta_optimizer no_layerwise_rate no_crosslingual_meta_training pooled_same_compute "
    "pooled_mean_rate freeze_3 freeze_6 freeze_9 layer_decay_0.9 source_only"
)


def planned(name: str, profile: str | None) -> Plan:
    return make_plan(load_recipe(name, profile=profile), Fingerprints())


def sources(name: str, profile: str | None) -> set[str]:
    return {phase.key for phase in planned(name, profile).phases.values() if phase.name == "source"}


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_it_loads_and_plans(name: str, profile: str | None) -> None:
    plan = planned(name, profile)
    if plan.recipe.name != name:  # questions to the runs of another
        assert plan.recipe.name in shipped()
        assert plan.cells == planned(plan.recipe.name, profile).cells
    assert plan.recipe.description
    assert all(set(cell.phases) <= plan.phases.keys() for cell in plan.cells)
    assert len({cell.key for cell in plan.cells}) == len(plan.cells)


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_its_effective_toml_loads_to_the_same(
    name: str, profile: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    recipe = load_recipe(name, profile=profile)
    path = tmp_path_factory.mktemp("effective") / f"{name}.toml"
    path.write_text(recipe.to_toml(), "utf-8")
    assert make_plan(load_recipe(path), Fingerprints()).cells == planned(name, profile).cells


def test_the_recipes_are_those_that_are_promised() -> None:
    promised = {
        "zero-shot-xnli",
        "translate-train-xnli",
        "xu2021-table1",
        "xu2021-table2",
        "philippy2023-table3",
    }
    promised |= {f"philippy2023-{name}" for name in ("figure1", "figure2", "figure3", "table1", "table2")}
    assert promised | {"massive-quickstart", "massive-arms"} <= set(shipped())


LIU2021 = "pooled source_only alpha_0 x_maml xla_maml xla_maml_first_order"
PAIR = "pooled_pair xla_maml_pair alpha_0_pair"


@pytest.mark.parametrize(
    ("name", "arms"),
    [
        ("xmaml", "pooled source_only alpha_0 x_maml x_maml_first_order"),
        ("liu2021-table3-zero-shot", LIU2021),
        ("liu2021-table3-few-shot", "pooled finetune alpha_0 x_maml xla_maml"),
        ("liu2021-figure2", LIU2021),
        ("liu2021-table5", f"{LIU2021} {PAIR}"),
        ("liu2021-table6", f"pooled source_only alpha_0 xla_maml xla_maml_random {PAIR} xla_maml_pair_random"),
        (
            "liu2021-table7",
            f"pooled source_only alpha_0 xla_maml xla_maml_not_parallel {PAIR} xla_maml_pair_not_parallel",
        ),
        ("liu2021-support", "xla_maml pooled source_only alpha_0 xla_maml_mnli"),
    ],
)
def test_maml_has_its_arms_and_their_controls(name: str, arms: str) -> None:
    assert " ".join(variant.name for variant in load_recipe(name).variants) == arms


@pytest.mark.parametrize("name", ["xmaml", "liu2021-table3-zero-shot", "liu2021-table6"])
def test_pooled_sees_as_many_examples_as_the_method_beside_it(name: str) -> None:
    """An update of pooled fine-tuning holds what supports and queries of a meta step hold together."""
    recipe = load_recipe(name)
    for pooled, method in (("pooled", "alpha_0"), ("pooled_pair", "alpha_0_pair")):
        if pooled in [variant.name for variant in recipe.variants]:
            simple, meta = (recipe.for_cell(variant, axes(recipe)).phase("meta") for variant in (pooled, method))
            directions = 2 if pooled.endswith("pair") else 1
            assert simple.batch_size == 2 * meta.batch_size * directions
            assert simple.steps == meta.steps or simple.as_long_as == ("meta",)


def axes(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    return next(axis_values(recipe))


@pytest.mark.parametrize("name", ["xu2021-table1", "massive-arms"])
def test_xu2021_has_its_arms_and_their_controls(name: str) -> None:
    assert " ".join(variant.name for variant in load_recipe(name).variants) == XU2021


def test_xu2021_table1_has_the_papers_settings() -> None:
    recipe = load_recipe("xu2021-table1")
    for phase in recipe.phases:
        optimizer = phase.optimizer
        assert (optimizer.name, optimizer.learning_rate, optimizer.betas) == ("adam", 2e-5, (0.9, 0.999))
        assert phase.freeze == ("embeddings",)
    assert (recipe.phase("source").epochs, recipe.phase("adapt").epochs) == (1, 2)
    assert recipe.encoder == "bert-base-multilingual-cased"
    assert recipe.seeds.together == 5
    assert recipe.axes["auxiliary"] == (("el",), ("ur",), ("el", "ur"))
    settings = recipe.phase("meta").method.settings
    assert (settings["rounds"], settings["window"], settings["meta_learning_rate"]) == (10, 15, 0.05)


def arm(variant: str) -> Recipe:
    return load_recipe("xu2021-table1").for_cell(variant, {"auxiliary": ("el", "ur")})


def test_xu2021_arms_are_what_they_say() -> None:
    assert [phase.name for phase in arm("pooled").phases] == ["source", "adapt"]
    assert arm("meta_optimizer").phase("adapt").rates.taken_from == "meta"
    assert arm("no_layerwise_rate").phase("meta").method.settings["layerwise"] is False
    joint = arm("no_crosslingual_meta_training").phase("adapt")
    assert (joint.method.settings["meta_training"], joint.method.settings["rounds"]) == ("joint", 2)
    assert arm("pooled_same_compute").phase("adapt").as_long_as == ("meta", "adapt")
    assert arm("pooled_mean_rate").phase("adapt").rates.reduce == "mean"
    assert [arm(f"freeze_{k}").phase("adapt").freeze_bottom for k in (3, 6, 9)] == [3, 6, 9]
    assert arm("layer_decay_0.9").phase("adapt").layer_decay == 0.9
    assert [phase.name for phase in arm("source_only").phases] == ["source"]


def test_philippy2023_has_the_papers_settings() -> None:
    recipe = load_recipe("philippy2023-table3")
    frozen = {v.name: recipe.for_cell(v.name, {}).phase("source").freeze for v in recipe.variants}
    assert frozen == {
        "full": (),
        "A": ("layer.2",),
        "B": ("layer.5",),
        "C": ("layer.1", "layer.2", "layer.6"),
    }
    phase = recipe.phase("source")
    assert (phase.optimizer.name, phase.optimizer.learning_rate, phase.epochs, phase.batch_size) == (
        "adamw",
        2e-5,
        3,
        32,
    )
    assert phase.schedule.name == "linear"


def test_recipes_on_xnli_share_their_source_phase() -> None:
    mini = sources("xu2021-table1", "mini")
    assert len(mini) == 3
    assert sources("zero-shot-xnli", "mini") == mini == sources("xu2021-table2", "mini")
    assert mini < sources("philippy2023-table3", "mini")
    assert sources("xu2021-table2", None) == sources("xu2021-table1", None)


def test_table2_is_made_of_table1s_runs() -> None:
    table1, table2 = (
        {(cell.final, cell.target, cell.split, cell.examples) for cell in planned(name, "mini").cells}
        for name in ("xu2021-table1", "xu2021-table2")
    )
    assert table2 <= table1


def test_the_quickstart_needs_nothing_but_what_is_embedded() -> None:
    recipe = load_recipe("massive-quickstart")
    assert (recipe.encoder, recipe.task, recipe.seeds.together) == ("mini", "massive", 2)
    assert len(recipe.languages.target) == 22
