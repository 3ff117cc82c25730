"""The embedded default: what is unpacked, how it is put in place, and what the sample of MASSIVE holds."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import isogloss_mini
from isogloss_mini import cache
from isogloss_mini.unpack import dequantize, unpack

ROOT = Path(__file__).parents[1]
PARTITIONS = {"train": 4000, "dev": 1000, "test": 600}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory):
    """The cache after three processes have asked for the encoder at once, and what each was told."""
    place = tmp_path_factory.mktemp("cache")
    code = "import sys, isogloss_mini; print(isogloss_mini.encoder_folder()); assert 'torch' not in sys.modules"
    environment = os.environ | {"ISOGLOSS_CACHE": str(place)}

    def ask(_: int) -> str:
        return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip()

    with ThreadPoolExecutor(3) as pool:
        return place, list(pool.map(ask, range(3)))


def test_processes_that_ask_at_once_get_one_whole_folder(unpacked) -> None:
    place, answers = unpacked
    assert len(set(answers)) == 1
    assert [str(path) for path in place.iterdir()] == answers[:1]  # and nothing half-made lies beside it
    assert cache.is_whole(Path(answers[0]))


def test_the_folder_is_what_hugging_face_reads(unpacked) -> None:
    transformers = pytest.importorskip("transformers")
    folder = unpacked[1][0]
    config = transformers.AutoConfig.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    weights = load_file(Path(folder) / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {np.dtype(np.float32)}
    assert weights["embeddings.word_embeddings.weight"].shape == (config.vocab_size, config.hidden_size)
    assert len(tokenizer) <= config.vocab_size
    assert tokenizer.unk_token_id not in tokenizer("Wie wird das Wetter morgen?")["input_ids"]


def test_dequantize_follows_the_format() -> None:
    random = np.random.default_rng(0)
    nibbles = random.integers(0, 256, (3, 32), np.uint8)
    scale = random.normal(size=(3, 2)).astype(np.float16)
    weights = dequantize(nibbles, scale)
    assert weights.dtype == np.float32
    for row, column in np.ndindex(3, 64):
        block, place = divmod(column, 32)
        byte = int(nibbles[row, block * 16 + place % 16])
        nibble = byte >> 4 if place >= 16 else byte & 15
        assert weights[row, column] == np.float32((nibble - 8) * float(scale[row, block]))


def test_unpack_keeps_what_is_not_packed(tmp_path: Path) -> None:
    bias = np.arange(4, dtype=np.float16)
    nibbles, scale = np.full((1, 16), 0x9A, np.uint8), np.ones((1, 1), np.float16)
    save_file({"bias": bias, "weight.nibbles": nibbles, "weight.scale": scale}, tmp_path / "packed")
    unpack(tmp_path / "packed", tmp_path / "weights")
    weights = load_file(tmp_path / "weights")
    assert weights.keys() == {"bias", "weight"}
    assert weights["bias"].tolist() == [0, 1, 2, 3]
    assert weights["weight"].tolist() == [[2.0] * 16 + [1.0] * 16]


def make_folder(path: Path, size: int) -> Path:
    """A folder with a list of sizes that is true when `size` is 3."""
    path.mkdir()
    names = (*cache.COPIED, cache.WEIGHTS)
    for name in names:
        (path / name).write_bytes(b"x" * size)
    (path / cache.SIZES).write_text(json.dumps(dict.fromkeys(names, 3)))
    return path


def test_a_damaged_folder_is_replaced_and_a_whole_one_is_kept(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "folder", 2)
    assert not cache.is_whole(folder)
    cache.put_in_place(make_folder(tmp_path / "fresh", 3), folder, tmp_path / "aside")
    assert cache.is_whole(folder)
    before = (folder / cache.WEIGHTS).stat().st_ino
    cache.put_in_place(make_folder(tmp_path / "fresh", 3), folder, tmp_path / "aside2")
    assert (folder / cache.WEIGHTS).stat().st_ino == before


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "model.q4.safetensors"
    packed.write_bytes(b"not what was shipped")
    monkeypatch.setattr(cache, "PACKED_WEIGHTS", packed)
    monkeypatch.setenv("ISOGLOSS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(OSError, match="install isogloss-mini again"):
        isogloss_mini.encoder_folder()
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_made_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ISOGLOSS_CACHE", str(tmp_path / "file"))
    with pytest.raises(OSError, match="ISOGLOSS_CACHE") as caught:
        isogloss_mini.encoder_folder()
    assert caught.value.errno is not None


def read_lines(name: str) -> list[str]:
    text = gzip.decompress((isogloss_mini.massive_folder() / name).read_bytes()).decode("utf-8")
    return text.split("\n")[:-1]


def test_sample_of_massive() -> None:
    header, *lines = read_lines("index.tsv.gz")
    assert header == "id\tpartition\tscenario\tintent"
    rows = [line.split("\t") for line in lines]
    ids = [int(row[0]) for row in rows]
    assert ids == sorted(set(ids))
    assert Counter(row[1] for row in rows) == PARTITIONS
    assert len({row[3] for row in rows if row[1] == "train"}) == 60
    locales = sorted((isogloss_mini.massive_folder() / "utt").iterdir())
    assert len(locales) == 22
    for locale in locales:
        texts = read_lines(f"utt/{locale.name}")
        shipped = {"train", "dev", "test"} if locale.name == "en-US.txt.gz" else {"dev", "test"}
        assert [text != "" for text in texts] == [row[1] in shipped for row in rows]


def test_sample_is_small_and_attributed() -> None:
    files = [path for path in isogloss_mini.massive_folder().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    notice = (ROOT / "models/isogloss-mini/NOTICE").read_text()
    assert "CC BY 4.0" in notice
    assert "FitzGerald" in notice


def test_quotas_share_out_every_row() -> None:
    path = ROOT / "models/isogloss-mini/sample_massive.py"
    spec = importlib.util.spec_from_file_location("sample_massive", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.quotas({"a": 60, "b": 30, "c": 1}, 10) == {"a": 6, "b": 3, "c": 1}
    assert module.quotas({"a": 5, "b": 5, "c": 5}, 7) == {"a": 3, "b": 2, "c": 2}
    assert sum(module.quotas({"a": 997, **dict.fromkeys("bcdefgh", 1)}, 100).values()) == 100
