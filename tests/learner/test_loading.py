"""Loading: heads, label names, and everything that is refused."""

from __future__ import annotations

import json
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from isogloss.errors import Mistakes
from isogloss.keys import Key
from isogloss.learner import encoders
from learner import tiny

Encoder = Callable[[str], Path]


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_a_fresh_head_follows_its_key_alone(encoder: Encoder, model_type: str) -> None:
    def head(seed: int, elsewhere: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(elsewhere)
        learner = tiny.load(encoder(model_type), head_key=Key(seed, purpose="head"), precision="fp32")
        return learner.moving({"head": 1.0})

    first, again, other = head(0, 1), head(0, 2), head(1, 1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    weights = [name for name in first if name.endswith("weight") and "norm" not in name]
    assert weights
    assert not any(torch.equal(first[name], other[name]) for name in weights)


def test_loading_leaves_the_global_generator_alone(encoder: Encoder) -> None:
    state = torch.get_rng_state()
    tiny.load(encoder("bert"))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_a_trained_head_is_matched_by_the_names_of_its_labels(tmp_path: Path, model_type: str) -> None:
    there = ("CONTRADICTION", "entailment", "neutral")
    tiny.save_classifier(tmp_path, there, model_type)
    peer = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    learner = tiny.load(tmp_path, precision="fp32")
    bag = tiny.bag((9, 9, 9))
    tokens = torch.from_numpy(bag.columns.inputs["input_ids"].reshape(3, 9)).long()
    with torch.no_grad():
        expected = peer(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits[:, [1, 2, 0]]
    torch.testing.assert_close(torch.from_numpy(learner.predict(bag).logits), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (("entailment", "neutral", "contradictory"), "contradictory.*contradiction"),
        (("entailment", "contradiction"), "are not the task's"),
        (("a", "b", "c", "d"), r"a, b, c, d.*entailment, neutral, contradiction"),
        (None, "does not name its labels.*LABEL_0"),
    ],
)
def test_other_labels_are_refused(tmp_path: Path, there: tuple[str, ...] | None, message: str) -> None:
    tiny.save_classifier(tmp_path, there)
    with pytest.raises(Mistakes, match=message):
        tiny.load(tmp_path)


def test_a_folder_that_is_no_checkpoint_is_refused_with_all_that_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        tiny.load(tmp_path)
    assert [part in str(caught.value) for part in ("config.json", "weights", "tokenizer")] == [True] * 3
    with pytest.raises(Mistakes, match="no such folder"):
        tiny.load(tmp_path / "missing")


def _copy(encoder: Encoder, folder: Path) -> Path:
    return shutil.copytree(encoder("bert"), folder / "copy")


def test_an_unknown_class_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    folder = _copy(encoder, tmp_path)
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(Mistakes, match='"gpt2" is not supported'):
        tiny.load(folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(Mistakes, match="not a JSON object"):
        tiny.load(folder)


def test_broken_weights_are_refused(encoder: Encoder, tmp_path: Path) -> None:
    folder = _copy(encoder, tmp_path)
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(Mistakes, match="weights cannot be loaded"):
        tiny.load(folder)


def test_weights_that_lack_a_part_of_the_encoder_are_refused(encoder: Encoder, tmp_path: Path) -> None:
    folder = _copy(encoder, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 4}))
    with pytest.raises(Mistakes, match=r"lack 16 tensors of the encoder, bert\.encoder\.layer\.3"):
        tiny.load(folder)


class _Evil:
    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (Path("evil"),)


def test_pickled_weights_are_read_as_weights_or_not_at_all(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = _copy(encoder, tmp_path)
    safe = tiny.load(folder)
    weights = {
        name.removeprefix("bert."): value
        for name, value in safe.params.items()
        if name.startswith("bert.") and "pooler" not in name
    }
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    pickled = tiny.load(folder)
    assert all(torch.equal(pickled.params[name], value) for name, value in safe.params.items())

    with (folder / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"weights": _Evil()}, file, protocol=2)
    with pytest.raises(Mistakes, match="weights cannot be loaded"):
        tiny.load(folder)
    assert not (tmp_path / "evil").exists()


def test_a_slow_tokenizer_is_refused(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        is_fast = False

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda *_, **__: Slow())
    with pytest.raises(Mistakes, match="only a slow tokenizer"):
        tiny.load(encoder("bert"))


@pytest.mark.parametrize(("model_type", "longest"), [("bert", 42), ("xlm-roberta", 40)])
def test_a_length_beyond_the_positions_is_refused(encoder: Encoder, model_type: str, longest: int) -> None:
    tiny.load(encoder(model_type), max_length=longest)
    with pytest.raises(Mistakes, match=f"choose 1 to {longest}"):
        tiny.load(encoder(model_type), max_length=longest + 1)


def test_offline_never_leaves_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Mistakes, match="not in the hub's cache; bring it where there is a network"):
        encoders.locate("somebody/some-encoder", offline=True)
    with pytest.raises(Mistakes, match="neither a folder nor a name"):
        encoders.locate("some body", offline=True)


COMMIT, TAGGED = "0123456789abcdef" * 2 + "01234567", "f" * 40


@pytest.fixture
def hub_cache(encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the cached folder of somebody/some-encoder, where "main" and "v1" are known, behind a hub out of reach."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    folder = tmp_path / "models--somebody--some-encoder"
    (folder / "refs").mkdir(parents=True)
    for name, commit in (("main", COMMIT), ("v1", TAGGED)):
        (folder / "refs" / name).write_text(commit)
        shutil.copytree(encoder("bert"), folder / "snapshots" / commit)
    return folder


def test_a_cached_encoder_needs_no_hub_and_may_be_pinned(hub_cache: Path) -> None:
    for name, commit in (("", COMMIT), ("@main", COMMIT), ("@v1", TAGGED), (f"@{TAGGED}", TAGGED)):
        for offline in (False, True):
            found = encoders.locate(f"somebody/some-encoder{name}", offline=offline)
            assert found == hub_cache / "snapshots" / commit
    with pytest.raises(Mistakes, match="v2: is not in the hub's cache"):
        encoders.locate("somebody/some-encoder@v2", offline=True)
    with pytest.raises(Mistakes, match="pr/1: cannot be had from the hub"):
        encoders.locate("somebody/some-encoder@refs/pr/1")
    with pytest.raises(Mistakes, match="names no revision"):
        encoders.locate("somebody/some-encoder@")


def test_files_that_are_not_fetched_do_not_make_a_cached_encoder_partial(hub_cache: Path) -> None:
    """The cache knows what the repository holds; flax weights, and pickled ones beside others, are left there."""
    folder = hub_cache / "snapshots" / COMMIT
    names = [*(file.name for file in folder.iterdir()), "flax_model.msgpack", "pytorch_model.bin"]
    listing = {"format_version": 1, "files": {name: {"size": 1, "blob_id": "0" * 40} for name in names}}
    (hub_cache / "trees").mkdir()
    (hub_cache / "trees" / f"{COMMIT}.json").write_text(json.dumps(listing))
    assert encoders.locate("somebody/some-encoder", offline=True) == folder


@pytest.mark.parametrize("lacking", ["tokenizer", "part"])
def test_the_hub_is_asked_for_what_the_cache_lacks_and_told_of_in_one_line(hub_cache: Path, lacking: str) -> None:
    folder = hub_cache / "snapshots" / COMMIT
    if lacking == "tokenizer":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / "model.safetensors").rename(folder / "model-1.safetensors")
        index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    started = time.monotonic()
    with pytest.raises(Mistakes, match=r"cannot be had from the hub \(.*refused.*\); check name and network") as caught:
        encoders.locate("somebody/some-encoder")
    assert len(str(caught.value).splitlines()) == 1
    assert time.monotonic() - started < 5


def test_a_fingerprint_is_that_of_what_decides(encoder: Encoder, tmp_path: Path) -> None:
    folder = _copy(encoder, tmp_path)
    before = encoders.encoder_fingerprint(str(folder))
    assert before == encoders.encoder_fingerprint(str(encoder("bert")))
    (folder / "README.md").write_text("words")
    (folder / "pytorch_model.bin").write_bytes(b"unread")
    assert encoders.encoder_fingerprint(str(folder)) == before
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace("w17", "w71"))
    assert encoders.encoder_fingerprint(str(folder)) != before


def test_an_embedded_encoder_that_cannot_be_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("isogloss_mini.encoder_folder", full)
    with pytest.raises(Mistakes, match=r"encoder mini.*No space left.*ISOGLOSS_CACHE"):
        encoders.locate("mini")
