"""Every mistake that a recipe's file can show: place, what, nearest name, remedy; all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from isogloss.errors import Mistakes
from isogloss.recipe.load import load_recipe
from recipe.support import EPISODES, SMALL, load, mistakes, write

ADAPT_ON = 'after = "source"\non = { split = "validation", languages = ["source", "auxiliary"] }\nmethod = "f'
ONE_CHANGE = {
    "unknown key": (
        ("epochs = 2", "epochs = 2\nbatchsize = 3"),
        'small.toml: phases.adapt.batchsize: unknown key "batchsize"; did you mean "batch_size"?',
    ),
    "unknown key in a table": (
        ("epochs = 2", "epochs = 2\noptimizer = { lerning_rate = 1e-4 }"),
        'phases.adapt.optimizer.lerning_rate: unknown key "lerning_rate"; did you mean "learning_rate"?',
    ),
    "unknown key at the top": (
        ('encoder = "mini"', 'encodr = "mini"'),
        'small.toml: encodr: unknown key "encodr"',
    ),
    "wrong type": (
        ("epochs = 2", 'epochs = "2"'),
        "phases.adapt.epochs: '2' will not do; it should be a number",
    ),
    "a truth value is no number": (("epochs = 2", "steps = true"), "phases.adapt.steps: True will not do"),
    "wrong range": (
        ("epochs = 2", "epochs = 0"),
        "phases.adapt.epochs: 0 will not do; it should be greater than 0",
    ),
    "rate above one": (
        ('rates = { from = "meta" }', "rates = { head = 1.5 }"),
        "phases.adapt.rates.head: 1.5",
    ),
    "no such layer group": (
        ("epochs = 2", 'epochs = 2\nfreeze = ["layr.1"]'),
        "phases.adapt.freeze: no layer group is called 'layr.1'; groups are",
    ),
    "layers count from 1": (("epochs = 2", "epochs = 2\nfreeze = [0]"), "no layer group is called 0"),
    "from misspelt": (
        ('{ from = "meta" }', '{ form = "meta" }'),
        "phases.adapt.rates.form: no layer group is called",
    ),
    "method": (
        ('method = "finetune"\nepochs = 1', 'method = "finetun"\nepochs = 1'),
        'did you mean "finetune"?',
    ),
    "setting of a method": (
        ("rounds = 2", "ronds = 2"),
        'phases.meta.method.ronds: unknown setting "ronds"; did you mean "rounds"?',
    ),
    "type of a method's setting": (
        ("rounds = 2", 'rounds = "2"'),
        "phases.meta.method.rounds: '2' will not do",
    ),
    "objective": (
        ("epochs = 2", 'epochs = 2\nobjective = "crossentropy"'),
        'phases.adapt.objective: no objective is called "crossentropy"; did you mean "cross_entropy"?',
    ),
    "optimizer": (("epochs = 2", 'epochs = 2\noptimizer = "adamv"'), "phases.adapt.optimizer.name: 'adamv'"),
    "argument of another optimizer": (
        ("epochs = 2", "epochs = 2\noptimizer = { momentum = 0.9 }"),
        'phases.adapt.optimizer.momentum: "adamw" has no momentum',
    ),
    "argument of one that is not the default": (
        ("epochs = 2", 'epochs = 2\noptimizer = { name = "nadam", alpha = 0.9 }'),
        'phases.adapt.optimizer.alpha: "nadam" has no alpha; it has betas, decoupled_weight_decay, eps, '
        "learning_rate, momentum_decay, weight_decay",
    ),
    "range of an argument": (
        ("epochs = 2", 'epochs = 2\noptimizer = { name = "rmsprop", alpha = 1.5 }'),
        "phases.adapt.optimizer.alpha: 1.5 will not do; it should be less than 1",
    ),
    "an optimizer that is not proportional to its learning rate": (
        ("epochs = 2", 'epochs = 2\noptimizer = "rprop"'),
        "phases.adapt.optimizer.name: 'rprop' is no choice here",
    ),
    "schedule": (
        ("epochs = 2", 'epochs = 2\nschedule = "liner"'),
        'is no choice here; did you mean "linear"?',
    ),
    "task": (
        ('task = "xnli"', 'task = "xnil"'),
        'small.toml: task: no task is called "xnil"; did you mean "xnli"?',
    ),
    "task of a phase": (
        ('task = "mnli"', 'task = "mnly"'),
        'phases.source.on.task: no task is called "mnly"',
    ),
    "split": (
        ('split = "validation"', 'split = "dev"'),
        'phases.meta.on.split: task "xnli" has no split "dev"',
    ),
    "language": (
        ('["el", "ur"]', '["gr", "ur"]'),
        'languages.auxiliary: no language has the key "gr"; did you mean "el"',
    ),
    "role misspelt": (
        ('["source", "auxiliary"]', '["source", "auxilary"]'),
        'phases.meta.on.languages: no language has the key "auxilary"; did you mean "auxiliary"?',
    ),
    "target that the task lacks": (
        ('["fr", "el", "en"]', '["fr", "ja"]'),
        'languages.target: task "xnli" has no language ja',
    ),
    "phase in a language that its task lacks": (
        ('languages = "source" }', 'languages = ["source", "auxiliary"] }'),
        'phases.source.on.languages: task "mnli" has no language el, ur; known: en',
    ),
    "task with other labels": (
        ('task = "mnli"', 'task = "sib200"'),
        'phases.source.on.task: task "sib200" has labels',
    ),
    "after a phase that is not there": (
        (
            ADAPT_ON,
            'after = "sorce"\nmethod = "f',
        ),
        'phases.adapt.after: no phase is called "sorce"; did you mean "source"?',
    ),
    "after a later phase": (
        ("epochs = 1", 'epochs = 1\nafter = "adapt"'),
        'phases.source.after: phase "adapt" does not come before "source"; change the order',
    ),
    "rates from weights": (
        ('{ from = "meta" }', '{ from = "source" }'),
        'phases.adapt.rates: phase "source" leaves weights, not rates; name a phase that leaves rates',
    ),
    "reduce without from": (('{ from = "meta" }', '{ reduce = "mean" }'), '"reduce" stands without "from"'),
    "no length": (("epochs = 2\n", ""), "phases.adapt: nothing says how long it is; give exactly one of"),
    "two lengths": (("epochs = 2", "epochs = 2\nsteps = 3"), "epochs and steps both say how long it is"),
    "length where the method has it": (
        ("rounds = 2 }", "rounds = 2 }\nepochs = 3"),
        'phases.meta.epochs: the settings of "meta_optimizer" say how long it is',
    ),
    "two subsets": (
        ('"validation", languages', '"validation", examples = 9, share = 0.5, languages'),
        "phases.meta.on: examples and share both choose a subset",
    ),
    "more parts than examples": (
        ("epochs = 2", "epochs = 2\naccumulation = 64"),
        "phases.adapt.accumulation: 32 examples",
    ),
    "variant skips nothing that exists": (
        ('skip = ["meta"]', 'skip = ["metta"]'),
        "variants.pooled.skip: no phase is called",
    ),
    "variant sets nothing that exists": (
        ('"phases.adapt.rates" = 1.0', '"phases.adapt.rats" = 1.0'),
        'small.toml: variants.pooled.set."phases.adapt.rats": unknown key "rats"; did you mean "rates"?',
    ),
    "variant sets a phase that is not there": (
        ('"phases.adapt.rates" = 1.0', '"phases.adopt.rates" = 1.0'),
        'variants.pooled.set."phases.adopt.rates": no phase is called "adopt"; did you mean "adapt"?',
    ),
    "variant unsets nothing that exists": (
        ('skip = ["meta"]', 'skip = ["meta"]\nunset = ["phases.adapt.epoch"]'),
        "variants.pooled.unset: there is no key 'phases.adapt.epoch' to unset; did you mean",
    ),
    "variant skips what gives the rates": (
        ('set."phases.adapt.rates" = 1.0\n', ""),
        'phases.adapt.rates: the rates come from "meta", which this variant skips; let the variant set',
    ),
    "variant without a path in quotes": (
        ('set."phases.adapt.rates" = 1.0', "set.phases.adapt.rates = 1.0"),
        "quote the whole path",
    ),
    "two variants of one name": (
        ('name = "learned"', 'name = "pooled"'),
        'variants[2]: "pooled" is already the name',
    ),
    "phase without a name": (('name = "meta"\n', ""), "phases[2]: it has no name"),
    "a name that no command could take": (
        ('name = "learned"', 'name = "lear/ned"'),
        'variants."lear/ned".name: ',
    ),
    "axis": (
        ("[profiles.tiny]", '[axes]\nauxilary = [["el"]]\n[profiles.tiny]'),
        'axes.auxilary: there is no axis "auxilary"',
    ),
    "value of an axis": (
        ("[profiles.tiny]", '[axes]\nauxiliary = [["xx"]]\n[profiles.tiny]'),
        "axes.auxiliary: no language",
    ),
    "draw": (
        ("[profiles.tiny]", '[axes]\ndraw = ["a"]\n[profiles.tiny]'),
        "axes.draw: a draw is a whole number",
    ),
    "seeds of no phase": (
        ('encoder = "mini"', "seeds = { adopt = 2 }"),
        'seeds.adopt: no phase is called "adopt"',
    ),
    "number of seeds": (('encoder = "mini"', "seeds = 0"), "small.toml: seeds: 0 will not do"),
    "profile that is not chosen": (
        ("max_length = 64", "max_lenght = 64"),
        'profiles.tiny.max_lenght: unknown key "max_lenght"',
    ),
    "phase that a profile sets": (
        ("max_length = 64", 'set."phases.adopt.epochs" = 1'),
        'profiles.tiny.set."phases.adopt.epochs": no phase is called "adopt"; did you mean "adapt"?',
    ),
    "value in a profile": (("max_length = 64", "max_length = 2"), "profiles.tiny.max_length: 2 will not do"),
    "split of the evaluation": (
        ("[profiles.tiny]", '[evaluation]\nsplit = "tset"\n[profiles.tiny]'),
        'did you mean "test"?',
    ),
    "settings where nothing is chosen": (
        ("epochs = 2", "epochs = 2\nselect = { every = 10 }"),
        "phases.adapt.select.every: every has no use where the last step is kept",
    ),
    "chosen where rates are left": (
        ("rounds = 2 }", 'rounds = 2 }\nselect = "source"'),
        "a phase that leaves rates has no step",
    ),
    "length of a phase that is not there": (
        ("epochs = 2", 'as_long_as = ["mta"]'),
        'as_long_as: no phase is called "mta"',
    ),
}


@pytest.mark.parametrize(("change", "expected"), ONE_CHANGE.values(), ids=ONE_CHANGE)
def test_one_change_is_one_mistake_with_place_and_remedy(
    tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    assert change[0] in SMALL
    found = mistakes(tmp_path, SMALL.replace(*change, 1))
    assert any(expected in line for line in found), found
    assert len(found) <= 3, found
    assert all(line.startswith("small.toml: ") and "; " in line for line in found)


PAIRING = 'pairing = "roles"'


@pytest.mark.parametrize("value", ["0", "2.5", '"2"', "true", "[2]", "{ size = 2 }"])
def test_settings_of_a_pairing_are_worded_as_those_of_its_method(tmp_path: Path, value: str) -> None:
    """Of one type, in place of each other: inner steps of the method, languages of the pairing."""
    of_method = EPISODES.replace(PAIRING, f"{PAIRING}, inner_steps = {value}")
    of_pairing = EPISODES.replace(PAIRING, f'pairing = {{ name = "across", query_languages = {value} }}')
    [found] = mistakes(tmp_path, of_method)
    assert found.startswith("small.toml: phases.meta.method.inner_steps: ")
    assert mistakes(tmp_path, of_pairing) == [found.replace("inner_steps", "pairing.query_languages", 1)]


def test_mistakes_in_a_pairing_come_with_those_of_its_method(tmp_path: Path) -> None:
    pairing = '{ name = "across", qery_languages = 2, support_languages = 0 }'
    text = EPISODES.replace(PAIRING, f"pairing = {pairing}, inner_steps = 0")
    assert sorted(mistakes(tmp_path, text)) == [
        "small.toml: phases.meta.method.inner_steps: 0 will not do; it should be greater than or equal to 1",
        'small.toml: phases.meta.method.pairing.qery_languages: unknown setting "qery_languages"; '
        'did you mean "query_languages"?',
        "small.toml: phases.meta.method.pairing.support_languages: 0 will not do; "
        "it should be greater than or equal to 1",
    ]


SELECTED = 'epochs = 2\nselect = { on = "selection", every = 10 }'


# The meta phase on other rows than those that a step of `adapt` is chosen on.
SELECTING = SMALL.replace('"validation"', '"train"', 1).replace("epochs = 2", SELECTED)


def test_a_value_that_none_of_several_types_takes_is_one_mistake(tmp_path: Path) -> None:
    text = SMALL.replace('method = "finetune"\nepochs = 1', 'method = { name = "maml", episodes = 1.5 }\nepochs = 1')
    [found] = mistakes(tmp_path, text)
    assert found.endswith("phases.source.method.episodes: 1.5 will not do; it should be a whole number")


def test_a_step_is_never_chosen_on_an_unseen_targets_labels(tmp_path: Path) -> None:
    text = SELECTING.replace("[languages]", '[languages]\nselection = ["de", "fr"]')
    found = mistakes(tmp_path, text)
    assert found == [
        'small.toml: phases.adapt.select: a step would be chosen on the labels of "fr", which is an unseen '
        'target; take "fr" out of languages.selection or out of languages.target'
    ]
    load(tmp_path, text.replace('"de", "fr"]', '"de"]'))  # a language that nobody tests on
    load(tmp_path, text.replace('"de", "fr"]', '"el"]'))  # a target, but trained on: its scores carry a dagger


def test_rows_that_choose_a_step_are_trained_on_in_no_earlier_phase(tmp_path: Path) -> None:
    text = SMALL.replace("[languages]", '[languages]\nselection = ["de"]').replace("epochs = 2", SELECTED)
    named = text.replace('on = { split = "validation"', 'on = { task = "xnli", split = "validation"', 1)
    for same in (text, named):
        (found,) = mistakes(tmp_path, same)
        assert 'phases.adapt.select: the rows held out to choose a step were trained on in phase "meta"' in found


def test_a_variant_that_trains_on_less_makes_a_target_unseen_again(tmp_path: Path) -> None:
    text = SELECTING.replace("[languages]", '[languages]\nselection = ["el"]')
    text += """
[[variants]]
name = "english"
skip = ["meta"]
set."phases.adapt.rates" = 1.0
set."phases.adapt.on.languages" = "source"
"""
    assert any('labels of "el"' in line for line in mistakes(tmp_path, text))


def test_selection_languages_must_be_named_and_in_the_task(tmp_path: Path) -> None:
    text = SELECTING
    assert "languages.selection: it is empty" in mistakes(tmp_path, text)[0]
    text = text.replace("[languages]", '[languages]\nselection = ["fi"]')
    assert any('task "xnli" has no language fi' in line for line in mistakes(tmp_path, text))


def test_a_role_that_nobody_plays(tmp_path: Path) -> None:
    text = SMALL.replace('["el", "ur"]', "[]").replace('["source", "auxiliary"]', '"auxiliary"')
    assert any("phases.adapt.on.languages: no language plays auxiliary" in line for line in mistakes(tmp_path, text))


def test_weights_after_a_phase_that_leaves_rates(tmp_path: Path) -> None:
    text = SMALL.replace('name = "adapt"\nafter = "source"', 'name = "adapt"\nafter = "meta"')
    assert any('adapt.after: phase "meta" leaves rates, not weights' in line for line in mistakes(tmp_path, text))


def test_a_cell_must_leave_weights(tmp_path: Path) -> None:
    text = SMALL.replace('skip = ["meta"]', 'skip = ["source", "adapt"]')
    assert any("no phase leaves weights to evaluate" in line for line in mistakes(tmp_path, text))


def test_a_length_is_not_borrowed_in_a_circle(tmp_path: Path) -> None:
    text = SMALL.replace("epochs = 2", 'as_long_as = ["adapt"]')
    assert any("as_long_as: it names a phase that has no length of its own" in m for m in mistakes(tmp_path, text))


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("epochs = 2", "epoch = 2").replace('"mnli"', '"mnly"').replace('["el", "ur"]', '["gr"]')
    found = mistakes(tmp_path, text.replace("max_length = 64", "max_length = 1"), sets=("seeds=x",))
    places = {line.split(": ")[1].split(":")[0] for line in found if line.startswith("small.toml")}
    expected = {
        "phases.adapt.epoch",
        "phases.source.on.task",
        "languages.auxiliary",
        "profiles.tiny.max_length",
    }
    assert expected <= places
    assert any(line.startswith("--set seeds: 'x'") for line in found)
    assert len(found) == len(set(found)) == 5, found  # no consequence of another, none twice


def test_syntax_is_reported_with_its_line(tmp_path: Path) -> None:
    assert mistakes(tmp_path, 'name = "x"\n\ntask = xnli\n')[0].startswith("small.toml:3: Invalid value in column 8;")
    assert mistakes(tmp_path, 'name = "x"\ntask = "xnli')[0].startswith("small.toml:2: ")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xu2021-tabel1", 'no recipe is called "xu2021-tabel1"; did you mean "xu2021-table1"?'),
        ("{folder}/smal.toml", 'smal.toml"; did you mean "small.toml"?'),
        ("{folder}", "it cannot be read: Is a directory"),
    ],
)
def test_a_recipe_that_is_not_there(tmp_path: Path, name: str, expected: str) -> None:
    write(tmp_path, SMALL)
    with pytest.raises(Mistakes) as caught:
        load_recipe(name.format(folder=tmp_path))
    assert expected in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(Mistakes, match="byte 8 is not UTF-8"):
        load_recipe(tmp_path / "small.toml")


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    expected = 'small.toml: profiles: no profile is called "tiy"; did you mean "tiny"?'
    assert mistakes(tmp_path, profile="tiy") == [expected]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("phases.adapt.epochs", "--set: 'phases.adapt.epochs' is no assignment; write KEY=VALUE"),
        ("seeds=[", "--set seeds: '[' is no TOML value"),
        (
            "phases.adopt.epochs=1",
            '--set phases.adopt.epochs: no phase is called "adopt"; did you mean "adapt"?',
        ),
        ("phases.adapt.epoch=1", '--set phases.adapt.epoch: unknown key "epoch"; did you mean "epochs"?'),
        ("phases.adapt.epochs=-1", "--set phases.adapt.epochs: -1 will not do; it should be greater than 0"),
        ("phases.adapt.epochs.x=1", "--set phases.adapt.epochs.x: epochs is 2, which has no keys"),
        ('variants=["poold"]', "--set variants: no variant is called 'poold'; did you mean \"pooled\"?"),
        ("a..b=1", "--set: 'a..b=1' is no assignment"),
    ],
)
def test_what_is_set_on_the_command_line(tmp_path: Path, asked: str, expected: str) -> None:
    found = mistakes(tmp_path, sets=(asked,))
    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize("key", ["phases", "variants", "profiles", "languages", "axes", "evaluation", "set"])
def test_a_number_where_tables_belong(tmp_path: Path, key: str) -> None:
    assert any(line.startswith(f"small.toml: {key}: 3 ") for line in mistakes(tmp_path, f'task = "xnli"\n{key} = 3'))


def test_an_empty_file(tmp_path: Path) -> None:
    assert [line.split("; ")[0] for line in mistakes(tmp_path, "")] == [
        'small.toml: task: "task" is missing',
        'small.toml: phases: "phases" is missing',
    ]


def test_what_is_tested_on_is_not_trained_on(tmp_path: Path) -> None:
    """Nor a translation of it: in a parallel task any language of that split counts."""
    found = mistakes(tmp_path, SMALL.replace('on = { split = "validation"', 'on = { split = "test"', 1))
    assert any("on which the recipe is tested" in line for line in found)


READING = """
name = "reading"
task = "mlqa"
max_length = 384
languages = { source = ["en"], target = TARGET, selection = SELECTION }

[[phases]]
name = "source"
on = { task = "squad", split = "train", languages = "source" }
method = "finetune"
epochs = 1
select = { on = "selection" }
"""


@pytest.mark.parametrize(
    ("target", "selection", "refused"),
    [
        ('["hi/en", "en/hi"]', '["hi"]', "hi"),  # what it reads, or asks, in a cell
        ('["hi"]', '["hi/en"]', "hi"),
        ('["hi/en"]', '["en"]', None),  # en is trained on
        ('["hi/de"]', '["es"]', None),
    ],
)
def test_zero_shot_holds_for_cells_of_two_languages(
    tmp_path: Path, target: str, selection: str, refused: str | None
) -> None:
    """Red when a cell is a language like any other."""
    text = READING.replace("TARGET", target).replace("SELECTION", selection)
    text = text.replace(
        'task = "squad", split = "train", languages = "source"', 'split = "adapt", languages = ["en", "de"]'
    )
    if refused is None:
        (tmp_path / "reading.toml").write_text(text, encoding="utf-8")
        assert load_recipe(str(tmp_path / "reading.toml")).name == "reading"
    else:
        said = [line for line in mistakes(tmp_path, text) if "a step would be chosen on the labels of" in line]
        assert [f'"{refused}", which is an unseen target' in line for line in said] == [True]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({'task = "mlqa"': 'task = "squad"', "TARGET": '["en"]', "split = ": ""}, ""),
        ({"TARGET": '"grid"', 'task = "mlqa"': 'task = "xquad"'}, 'the rows of "xquad" have no second language'),
        ({"TARGET": '["de/xx"]'}, 'has no language "xx"'),
        ({"TARGET": '["de/de"]'}, 'write "de"'),
        ({"max_length = 384": "max_length = 128"}, "windows of 128 tokens cannot share 128"),
        (
            {'task = "mlqa"': 'task = { name = "mlqa", kind = "text_classification" }'},
            "is of rows with label, and the task",
        ),
        ({'task = "mlqa"': 'task = { name = "xnli", kind = "question_answering" }'}, "is of rows with answers"),
        ({'task = "mlqa"': 'task = { name = "mlqa", settings = { rule = "mqla" } }'}, 'did you mean "mlqa"?'),
    ],
)
def test_what_is_wrong_with_a_recipe_of_questions(tmp_path: Path, changes: dict[str, str], expected: str) -> None:
    text = READING.replace('select = { on = "selection" }', "").replace("SELECTION", "[]")
    for old, new in changes.items():
        text = text.replace(old, new, 1) if old != "split = " else text
    text = text.replace("TARGET", '"all"')
    if not expected:  # the union of two splits is trained on, and one of them tested
        text += '\n[evaluation]\nsplit = "sample-dev"\n'
        expected = 'trains on split "train" of "squad", with rows of "sample-dev", on which the recipe is tested'
    assert any(expected in line for line in mistakes(tmp_path, text)), mistakes(tmp_path, text)


def test_a_step_is_not_chosen_on_rows_that_an_earlier_phase_has_seen(tmp_path: Path) -> None:
    found = mistakes(tmp_path, SMALL.replace("epochs = 2", 'epochs = 2\nselect = { on = "source" }', 1))
    assert any('were trained on in phase "meta"' in line for line in found)


@pytest.mark.parametrize(
    ("asks", "expected"),
    [
        ('kinds = ["genetical"]', 'no kind of distance is called "genetical"; did you mean "genetic"?'),
        ('distances = "uriel-legacy"\nkinds = ["featural"]', 'no kind of distance is called "featural"'),
        ('distances = "kilometres"\nkinds = ["genetic"]', "kilometres has no kinds"),
        ('kinds = ["genetic", "genetic"]', "genetic is named twice"),
        ('printed = "philippy2023-figure9"', 'printed: no printed correlations called "philippy2023-figure9"; did you'),
        ('source = "eng"', 'source: no language has the key "eng"; write "en"'),
        ('source = "de"', 'source: no run is trained on "de"; known: en'),
        ('controls = ["pretrainig"]', 'no control is called "pretrainig"; did you mean "pretraining"?'),
        ('controls = ["pretraining", "pretraining"]', "pretraining is named twice"),
        ('controls = ["pretraining"]\nsource = "en"', "no test of a single source takes any; leave the controls out"),
        ('controls = ["pretraining"]\nencoder = "mini"', 'each language "mini" had read is not known; known of: xlm'),
        ('encoder = "xlm-roberta-base"', "is not controlled for; write controls"),
    ],
)
def test_what_is_asked_of_runs(tmp_path: Path, asks: str, expected: str) -> None:
    """Red when a slip is found only after training."""
    file = tmp_path / "asks.toml"
    file.write_text(f'extends = "zero-shot-xnli"\n[[analyses]]\nname = "correlate"\n{asks}\n', encoding="utf-8")
    with pytest.raises(Mistakes) as caught:
        load_recipe(file)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(f"{file}: analyses")
    assert len(caught.value.mistakes) == 1


def test_the_source_of_a_question_is_that_of_some_run(tmp_path: Path) -> None:
    """Red when the value of an axis is forgotten, or a variant's own source."""
    asks = '[[analyses]]\nname = "correlate"\nsource = "de"\n'
    recipe = 'name = "asks"\ntask = "massive"\n[[phases]]\nname = "source"\nmethod = "finetune"\nepochs = 1\n'
    file = tmp_path / "asks.toml"
    file.write_text(f'{recipe}[axes]\nsource = [["en"], ["de"]]\n{asks}', encoding="utf-8")
    assert load_recipe(file).axes["source"] == (("en",), ("de",))
    with pytest.raises(Mistakes, match='no run is trained on "de"; known: en, fr'):
        load_recipe(file, sets=['axes.source=[["en"], ["fr"]]'])
    variant = '[[variants]]\nname = "german"\nset."languages.source" = ["de"]\n'
    file.write_text(f"{recipe}{asks}{variant}", encoding="utf-8")
    load_recipe(file)
