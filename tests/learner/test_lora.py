"""Low-rank adapters: against peft's own models, against the network without them, merged, and taken away."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor, nn

from isogloss.errors import Mistakes
from isogloss.keys import Key
from isogloss.kinds.question_answering import QuestionAnswering
from isogloss.learner import lora
from isogloss.learner.adapters import Adapters
from isogloss.learner.dropout import KeyedDropout
from isogloss.learner.groups import ANATOMIES
from isogloss.learner.learner import Learner
from learner import tiny

KEY, DRAW = Key(1, "p", 3, "dropout"), Key(0, purpose="adapters")
ADAPTERS = Adapters(rank=3, alpha=5.0)
Encoder = Callable[[str], Path]
classes = pytest.mark.parametrize("model_type", tiny.CLASSES)


def adapted(encoder: Path, adapters: Adapters = ADAPTERS, *, moved: bool = True, **settings: Any) -> Learner:
    learner = tiny.load(encoder, **settings)
    learner.adapt(adapters, DRAW)
    if moved:
        tiny.move_adapters(learner)
    return learner


def logits(learner: Learner) -> Tensor:
    return torch.from_numpy(learner.predict(tiny.bag()).logits)


def loss(learner: Learner, *, key: Key = KEY, train: bool = True) -> float:
    return float(learner.loss({}, tiny.batch(), tiny.OBJECTIVE, key, train=train)[0])


def copies(learner: Learner) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in learner.params.items()}


# --- what they compute ------------------------------------------------------------------------------------------------


@classes
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_before_the_first_step_nothing_has_changed(encoder: Encoder, model_type: str, precision: str) -> None:
    """To the last bit, under dropout too: what the network drops has the masks that it has without adapters."""
    learner = tiny.load(encoder(model_type), precision=precision)
    before = loss(learner), logits(learner)
    learner.adapt(Adapters(rank=3, dropout=0.5), DRAW)
    assert loss(learner) == before[0]
    assert torch.equal(logits(learner), before[1])
    tiny.move_adapters(learner)
    assert loss(learner) != before[0]


TWO = ("query", "output.dense")  # the ends of three paths


def of_peft(
    folder: Path, model_type: str, modules: tuple[str, ...] | None
) -> tuple[nn.Module, dict[str, nn.Parameter]]:
    """peft's own wrapper around transformers' own network, in float64, and its parameters by their names in ours."""
    parts = ANATOMIES[model_type]
    endings = "|".join(map(re.escape, modules or parts.queries_and_values))
    wanted = rf"{re.escape(parts.layers)}\..*\b({endings})"
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    peer = peft.get_peft_model(plain, peft.LoraConfig(r=3, lora_alpha=5, target_modules=wanted)).double().eval()
    return peer, {name.removeprefix("base_model.model."): value for name, value in peer.named_parameters()}


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers for a name that is going
@pytest.mark.parametrize(
    ("model_type", "modules"),
    [(each, which) for each in tiny.CLASSES for which in (None, "all")] + [("bert", TWO), ("xlm-roberta", TWO)],
)
def test_logits_and_gradients_are_those_of_peft(
    encoder: Encoder, tmp_path: Path, model_type: str, modules: tuple[str, ...] | str | None
) -> None:
    learner = tiny.load(encoder(model_type))
    learner.export(tmp_path / "out", card="")
    if isinstance(modules, str):
        within = learner._network.layers[0].named_modules()
        modules = tuple(path for path, part in within if isinstance(part, nn.Linear))
    learner.adapt(Adapters(rank=3, alpha=5.0, modules=modules), DRAW)
    tiny.move_adapters(learner)
    peer, theirs = of_peft(tmp_path / "out", model_type, modules)
    assert theirs.keys() == learner._network.masters.keys()
    with torch.no_grad():
        for name, value in learner._network.masters.items():
            theirs[name].requires_grad_(name in learner.params).copy_(value)

    batch = tiny.batch()
    expected = nn.functional.cross_entropy(peer(**batch.inputs).logits, batch.targets["labels"])
    expected.backward()
    found = learner.gradient(learner.params, [batch], tiny.OBJECTIVE, KEY, train=False)
    assert float(found.loss) == pytest.approx(expected.item(), rel=1e-6)
    gradients = {name: theirs[name].grad for name in learner.params}
    tiny.assert_close(found.values, gradients, 1e-6 if model_type == "modernbert" else 1e-9)  # type: ignore[arg-type]


@classes
def test_it_is_the_network_with_the_sum_of_both_weights(encoder: Encoder, model_type: str) -> None:
    """W + (α / r) B A, computed here."""
    learner, whole = adapted(encoder(model_type)), tiny.load(encoder(model_type))
    masters = learner._network.masters
    for name, value in learner.params.items():
        if ".lora_A." in name:
            B = learner.params[name.replace(".lora_A.", ".lora_B.")]
            whole.params[name.replace(".lora_A.default", "")].add_(B @ value, alpha=5 / 3)
    assert len(masters) - len(whole.params) == sum(".lora_" in name for name in masters)
    torch.testing.assert_close(logits(learner), logits(whole), rtol=1e-5, atol=1e-6)
    assert loss(learner) == pytest.approx(loss(whole), rel=1e-10)


# --- what moves -------------------------------------------------------------------------------------------------------


@classes
def test_adapters_and_head_are_all_that_moves(encoder: Encoder, model_type: str) -> None:
    plain, learner = tiny.load(encoder(model_type)), adapted(encoder(model_type))
    head = set(plain.groups.members("head"))
    matrices = learner.params.keys() - head
    assert head < learner.params.keys()
    assert all(".lora_A.default." in name or ".lora_B.default." in name for name in matrices)
    per_layer = 2 * len(ANATOMIES[model_type].queries_and_values)
    assert [len(learner.groups.members(f"layer.{layer}")) for layer in (1, 2, 3)] == [per_layer] * 3
    assert learner.groups.names == plain.groups.names
    assert learner.groups.members("embeddings") == ()
    assert learner.groups.of.keys() == learner.params.keys() == tiny.everything(learner).keys()
    assert learner.groups.movable(dict.fromkeys(learner.groups.names, 0.5)) == {
        group: 0.0 if group == "embeddings" else 0.5 for group in learner.groups.names
    }
    assert plain.groups.movable({"embeddings": 0.5}) == {"embeddings": 0.5}


@classes
def test_a_head_that_reads_every_token_moves_beside_them(encoder: Encoder, model_type: str) -> None:
    plain, learner = (tiny.load(encoder(model_type), labels=(), kind=QuestionAnswering()) for _ in range(2))
    learner.adapt(ADAPTERS, DRAW)
    assert learner.groups.members("head") == plain.groups.members("head")
    assert len(learner.params) == len(plain.groups.members("head")) + 6 * len(ANATOMIES[model_type].queries_and_values)


def test_modules_are_named_by_the_ends_of_their_paths(encoder: Encoder) -> None:
    def maps(*modules: str) -> set[str]:
        learner = adapted(encoder("bert"), Adapters(rank=2, modules=modules))
        return {
            name.removeprefix("bert.encoder.layer.").removesuffix(".lora_A.default.weight")
            for name in learner.params
            if ".lora_A." in name
        }

    assert maps("query") == {f"{layer}.attention.self.query" for layer in range(3)}
    assert maps("attention.output.dense") == {f"{layer}.attention.output.dense" for layer in range(3)}
    assert maps("output.dense") == {*maps("attention.output.dense"), *(f"{layer}.output.dense" for layer in range(3))}
    assert maps("dense", "key") > maps("output.dense") | maps("key")
    assert len(maps("dense")) == 9  # not the pooler's, which is the head's


def test_a_name_is_no_end_of_another_name() -> None:
    layers = nn.ModuleList([nn.ModuleDict({"key": nn.Linear(4, 4), "pos_key": nn.Linear(4, 4)})])
    assert set(lora.put_in(layers, Adapters(rank=2), ("key",), DRAW)) == {"0.key"}
    assert isinstance(layers[0]["pos_key"], nn.Linear)


def test_the_default_is_what_peft_takes(encoder: Encoder) -> None:
    for model_type, parts in ANATOMIES.items():
        theirs = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.get(model_type)
        assert theirs is None or tuple(theirs) == parts.queries_and_values, model_type


def test_the_same_key_draws_the_same_adapters(encoder: Encoder) -> None:
    torch.manual_seed(11)
    state = torch.get_rng_state()
    one = adapted(encoder("bert"), moved=False)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(12)
    same, narrow = adapted(encoder("bert"), moved=False), adapted(encoder("bert"), moved=False, precision="bf16")
    other = tiny.load(encoder("bert"))
    other.adapt(ADAPTERS, DRAW._replace(seed=1))
    A = [name for name in one.params if ".lora_A." in name]
    for name in A:
        assert torch.equal(one.params[name], same.params[name])
        assert torch.equal(one.params[name].float(), narrow.params[name])
        assert not torch.equal(one.params[name], other.params[name])
    assert len({float(one.params[name].sum()) for name in A}) == len(A)


# --- dropout ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recompute", [False, True])
def test_their_dropout_follows_the_key(tmp_path: Path, recompute: bool) -> None:
    """Only they drop anything here. What is kept is scaled: the mean over keys is what nothing dropped gives."""
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    folder = tiny.save_encoder(tmp_path, **none)
    learner = adapted(folder, Adapters(rank=3, alpha=0.05, dropout=0.25), gradient_checkpointing=recompute)
    assert not any(type(part) is nn.Dropout for part in learner._network.module.modules())
    sites = [part._site for part in learner._network.module.modules() if isinstance(part, KeyedDropout)]
    assert len(set(sites)) == len(sites) > 6
    torch.manual_seed(1)
    one = loss(learner)
    torch.manual_seed(2)
    assert loss(learner) == one != loss(learner, key=KEY._replace(step=4))
    still = loss(learner, train=False)
    losses = torch.tensor([loss(learner, key=Key(seed)) for seed in range(200)])
    assert float(losses.std()) > 0
    assert float(losses.mean()) == pytest.approx(still, abs=4 * float(losses.std()) / 200**0.5)


# --- merged, taken out, put in again ----------------------------------------------------------------------------------


@classes
def test_transformers_loads_an_export_without_peft(encoder: Encoder, tmp_path: Path, model_type: str) -> None:
    learner = adapted(encoder(model_type), precision="fp32")
    learner.update({name: value + 0.05 for name, value in learner.params.items()})
    learner.export(tmp_path / "out", card="")
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if "adapter" in path.name) == []
    names = load_file(tmp_path / "out" / "model.safetensors").keys()
    assert not any("lora" in name or "base_layer" in name for name in names)
    assert "peft" not in json.dumps(json.loads((tmp_path / "out" / "config.json").read_text()))
    model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    bag = tiny.bag((9, 9, 9))
    tokens = torch.from_numpy(bag.columns.inputs["input_ids"].reshape(3, 9)).long()
    with torch.no_grad():
        theirs = model.eval()(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
    torch.testing.assert_close(torch.from_numpy(learner.predict(bag).logits), theirs, rtol=1e-4, atol=1e-4)
    assert float((theirs - torch.from_numpy(tiny.load(encoder(model_type)).predict(bag).logits)).abs().max()) > 0.1


@classes
def test_taken_out_they_are_part_of_the_weights(encoder: Encoder, model_type: str) -> None:
    learner = adapted(encoder(model_type), Adapters(rank=3, alpha=5.0, dropout=0.25))
    with_adapters = logits(learner), loss(learner, train=False)
    learner.adapt(None, DRAW)
    plain = tiny.load(encoder(model_type))
    assert learner.adapters is None
    assert list(learner.params) == list(plain.params)
    assert learner.groups == plain.groups
    torch.testing.assert_close(logits(learner), with_adapters[0], rtol=1e-6, atol=1e-6)
    assert loss(learner, train=False) == pytest.approx(with_adapters[1], rel=1e-12)
    # It computes as one that never had any: the same masks, the same gradient.
    plain.update(learner.params)
    gradients = [one.gradient(one.params, [tiny.batch()], tiny.OBJECTIVE, KEY) for one in (learner, plain)]
    assert all(torch.equal(gradients[0].values[name], value) for name, value in gradients[1].values.items())


@pytest.mark.parametrize("precision", ["fp64", "bf16"])
def test_others_come_after_a_merge_and_the_same_go_on(encoder: Encoder, precision: str) -> None:
    learner = adapted(encoder("bert"), precision=precision)
    before = copies(learner), loss(learner, train=False)
    learner.adapt(ADAPTERS, DRAW._replace(seed=9))
    assert all(torch.equal(learner.params[name], value) for name, value in before[0].items())
    learner.adapt(Adapters(rank=2, modules=("key",)), DRAW)
    assert loss(learner, train=False) == pytest.approx(before[1], rel=1e-10 if precision == "fp64" else 2e-2)
    assert not any("query" in name for name in learner.params)
    again = learner.gradient(learner.params, [tiny.batch()], tiny.OBJECTIVE, KEY)
    assert again.values.keys() == learner.params.keys()
    assert all(value.dtype == learner.precision.master for value in again.values.values())


def test_hidden_states_are_those_of_the_merged_network(encoder: Encoder) -> None:
    learner = adapted(encoder("bert"))
    states = [torch.cat([seen.states for seen in learner.observe(tiny.bag())], dim=1)]
    learner.adapt(None, DRAW)
    states.append(torch.cat([seen.states for seen in learner.observe(tiny.bag())], dim=1))
    torch.testing.assert_close(states[0], states[1], rtol=1e-5, atol=1e-6)


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_modules_that_are_not_there_are_refused(encoder: Encoder) -> None:
    learner = tiny.load(encoder("bert"))
    with pytest.raises(Mistakes) as raised:
        learner.adapt(Adapters(modules=("querry", "pooler", "value")), DRAW)
    assert [str(mistake) for mistake in raised.value.mistakes] == [
        'adapters.modules: the layers of this encoder have no linear map "pooler"; '
        "known: attention.output.dense, attention.self.key, attention.self.query, attention.self.value, dense, "
        "intermediate.dense, key, output.dense, query, value",
        'adapters.modules: the layers of this encoder have no linear map "querry"; did you mean "query"?',
    ]
    assert learner.adapters is None
    assert learner.params.keys() == tiny.load(encoder("bert")).params.keys()


def test_without_peft_one_line_says_what_to_install(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(Mistakes, match=r"adapters: peft is not installed; pip install 'isogloss\[lora\]'"):
        tiny.load(encoder("bert")).adapt(ADAPTERS, DRAW)


@pytest.mark.parametrize(
    "wrong",
    [{"rank": 0}, {"rank": 1.5}, {"alpha": 0.0}, {"alpha": float("inf")}, {"dropout": 1.0}, {"modules": ()}, {"r": 8}],
)
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Adapters(**wrong)


def test_what_is_kept_comes_back() -> None:
    one = Adapters(rank=4, alpha=2, dropout=0.1, modules=("value", "query"))
    assert Adapters.read(json.loads(json.dumps(one.model_dump(mode="json")))) == one
    assert one == Adapters(rank=4, alpha=2, dropout=0.1, modules=("query", "value", "query"))
    assert Adapters.read(None) is None
    assert str(one) == "LoRA of rank 4, alpha 2, dropout 0.1 on query, value"
    assert str(Adapters()) == "LoRA of rank 8, alpha 16"
