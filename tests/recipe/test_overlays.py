"""What a recipe is put together from: short forms, extends, profiles, --set, axes, variants."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from isogloss.errors import Mistakes
from isogloss.recipe.load import load_recipe, profiles
from isogloss.recipe.resolve import evaluation_task
from recipe.support import SMALL, load, mistakes, write


def test_later_layers_win(tmp_path: Path) -> None:
    write(tmp_path, SMALL, "base.toml")
    child = 'extends = "./base.toml"\nmax_length = 100\nset."phases.adapt.epochs" = 3\n'
    child += "[profiles.tiny]\nmax_length = 50\n"
    path = write(tmp_path, child, "child.toml")
    assert load_recipe(path).max_length == 100
    assert load_recipe(path).name == "child"
    assert load_recipe(path).phase("adapt").epochs == 3
    assert load_recipe(path, profile="tiny").max_length == 50  # the file's own profile over the one that it extends
    assert load_recipe(path, profile="tiny", sets=["max_length=40"]).max_length == 40
    assert load_recipe(path, sets=["phases.adapt.epochs=5"]).for_cell("pooled", {}).phase("adapt").epochs == 5
    assert profiles(path) == ("tiny",)


def test_a_variant_wins_over_what_is_set_for_all(tmp_path: Path) -> None:
    recipe = load(tmp_path, sets=("phases.adapt.rates=0.5",))
    assert recipe.for_cell("learned", {}).phase("adapt").rates.value == 0.5
    assert recipe.for_cell("pooled", {}).phase("adapt").rates.value == 1.0


def test_extends_keeps_lists_of_names_in_the_order_given(tmp_path: Path) -> None:
    write(tmp_path, SMALL + '[profiles.tiny.set]\n"variants.pooled.description" = "x"\n', "base.toml")
    child = 'extends = "./base.toml"\nvariants = ["learned"]\n[languages]\nauxiliary = ["hi"]\n'
    recipe = load_recipe(write(tmp_path, child, "child.toml"))
    assert [variant.name for variant in recipe.variants] == ["learned"]
    assert recipe.languages.auxiliary == ("hi",)
    assert recipe.languages.target == ("fr", "el", "en")  # tables are merged


def test_a_phase_of_the_same_name_inherits(tmp_path: Path) -> None:
    write(tmp_path, SMALL, "base.toml")
    child = """extends = "./base.toml"
phases = [
    "source",
    { name = "meta", method = { name = "meta_optimizer", window = 5 } },
    { name = "adapt", steps = 7 },
]
"""
    recipe = load_recipe(write(tmp_path, child, "child.toml"))
    assert recipe.phase("adapt").after == "source"
    assert recipe.phase("adapt").length == ("steps", 7)  # a new length takes the old one's place
    assert recipe.phase("meta").method.settings == {"rounds": 2, "window": 5}


def test_another_method_does_not_inherit_settings(tmp_path: Path) -> None:
    changed = 'phases.meta.method={name="finetune"}', "phases.meta.epochs=1", "phases.adapt.rates=1.0"
    assert load(tmp_path, sets=changed).phase("meta").method.settings == {}


def test_extending_oneself_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 'extends = "./b.toml"', "a.toml")
    with pytest.raises(Mistakes, match="it extends itself"):
        load_recipe(write(tmp_path, 'extends = "./a.toml"', "b.toml"))


def test_extending_what_is_not_there_names_the_key(tmp_path: Path) -> None:
    assert mistakes(tmp_path, 'extends = "xu2021-tabel1"') == [
        'small.toml: extends: no recipe is called "xu2021-tabel1"; did you mean "xu2021-table1"?'
        " (a file of your own needs its ending .toml)"
    ]


def test_short_forms_mean_their_tables(tmp_path: Path) -> None:
    long = SMALL.replace('method = "finetune"', 'method = { name = "finetune" }').replace(
        "epochs = 2",
        'epochs = 2.0\nschedule = { name = "linear" }\noptimizer = { name = "sgd" }\nfreeze = ["layer.2"]',
    )
    short = SMALL.replace("epochs = 2", 'epochs = 2\nschedule = "linear"\noptimizer = "sgd"\nfreeze = [2]')
    assert load(tmp_path, long).phases == load(tmp_path, short).phases


def test_set_reaches_below_a_short_form_and_replaces_a_rival(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        SMALL.replace("epochs = 2", 'epochs = 2\noptimizer = "adam"'),
        sets=(
            "phases.adapt.optimizer.eps=1e-6",
            "phases.adapt.steps=4",
            "phases.adapt.rates.reduce='mean'",
            "encoder=xlm-r",
        ),
    )
    phase = recipe.phase("adapt")
    assert (phase.optimizer.name, phase.optimizer.eps) == ("adam", 1e-6)
    assert phase.length == ("steps", 4)
    assert (phase.rates.taken_from, phase.rates.reduce) == ("meta", "mean")
    assert recipe.encoder == "xlm-r"


def test_two_lengths_in_one_overlay_are_a_mistake(tmp_path: Path) -> None:
    found = mistakes(tmp_path, sets=("phases.adapt.steps=4", "phases.adapt.examples=4"))
    assert "steps and examples both say how long it is" in found[0]


def test_layer_groups_in_dotted_paths(tmp_path: Path) -> None:
    sets = ("phases.adapt.rates={head=1.0}", "phases.adapt.rates.layer.3=0.25")
    assert load(tmp_path, sets=sets).phase("adapt").rates.groups == {"head": 1.0, "layer.3": 0.25}


def test_after_falls_back_over_a_skipped_phase(tmp_path: Path) -> None:
    text = SMALL.replace("[profiles.tiny]", """[[phases]]
name = "more"
after = "adapt"
steps = 1

[[variants]]
name = "short"
skip = ["meta", "adapt"]
[profiles.tiny]""")  # fmt: skip
    cell = load(tmp_path, text).for_cell("short", {})
    assert [phase.name for phase in cell.phases] == ["source", "more"]
    assert cell.phase("more").after == "source"
    with pytest.raises(KeyError):
        cell.phase("adapt")


def test_a_cell_has_its_axes_in_place(tmp_path: Path) -> None:
    text = SMALL + '[axes]\nauxiliary = [["el"], ["ur", "hi"]]\ndraw = [0, 3]\n'
    cell = load(tmp_path, text).for_cell("pooled", {"auxiliary": ("ur", "hi"), "draw": ("3",)})
    assert (cell.languages.auxiliary, cell.draw, dict(cell.axes)) == (("ur", "hi"), 3, {})
    assert [variant.name for variant in cell.variants] == ["pooled"]


def test_an_unknown_variant_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match='did you mean "pooled"'):
        load(tmp_path).for_cell("poold", {})


def test_variants_can_be_chosen_on_the_command_line(tmp_path: Path) -> None:
    recipe = load(tmp_path, sets=('variants=["learned"]',))
    assert [variant.name for variant in recipe.variants] == ["learned"]


def test_a_profile_reaches_into_variants(tmp_path: Path) -> None:
    text = SMALL + 'set."variants.pooled.set.phases.adapt.epochs" = 9\n'
    assert load(tmp_path, text, profile="tiny").for_cell("pooled", {}).phase("adapt").epochs == 9
    assert load(tmp_path, text).for_cell("pooled", {}).phase("adapt").epochs == 2


def test_paths_start_from_the_files_own_folder(tmp_path: Path) -> None:
    text = SMALL.replace('encoder = "mini"', 'encoder = "./encoder"\ndata = { xnli = "folder" }')
    recipe = load(tmp_path, text)
    assert recipe.encoder == str(tmp_path / "encoder")
    assert recipe.data == {"xnli": str(tmp_path / "folder")}


def test_an_encoder_that_is_a_folder_there_is_one_wherever_the_recipe_is_read_from(tmp_path: Path) -> None:
    text = SMALL.replace('encoder = "mini"', 'encoder = "models/own"')
    assert load(tmp_path, text).encoder == "models/own"  # a name on the hub
    (tmp_path / "models" / "own").mkdir(parents=True)
    assert load(tmp_path, text).encoder == str(tmp_path / "models" / "own")


def test_a_recipe_cannot_be_changed(tmp_path: Path) -> None:
    recipe = load(tmp_path)
    with pytest.raises(ValidationError):
        recipe.max_length = 5  # type: ignore[misc]
    before = recipe.to_toml()
    recipe.for_cell("pooled", {})
    assert recipe.to_toml() == before


def test_toml_out_and_in_again(tmp_path: Path) -> None:
    text = SMALL.replace('"small"', '"small"\ndescription = "a \\"quoted\\" line\\nΑ → β"')
    recipe = load(tmp_path, text, sets=("phases.adapt.rates={head=1.0, 'layer.3'=1e-5}",))
    again = load(tmp_path, recipe.to_toml())
    assert again.model_dump() == recipe.model_dump()


OWN_FILES = """
task = { name = "files", path = "rows", languages = ["en", "sw"], files = { train = "train-{language}.csv" } }
languages.target = ["sw"]
evaluation.split = "train"
phases = [{ name = "source", epochs = 1 }]
"""


def test_ones_own_files_are_a_task(tmp_path: Path) -> None:
    recipe = load(tmp_path, OWN_FILES)
    assert evaluation_task(recipe).path == tmp_path / "rows"
    assert [variant.name for variant in recipe.variants] == ["default"]
    [line] = mistakes(tmp_path, OWN_FILES.replace("languages = [", "langages = ['x'], languages = ["))
    assert 'unknown key "langages"; did you mean "languages"?' in line
