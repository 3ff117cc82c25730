import errno
import gc
import warnings
import weakref
from dataclasses import replace

import numpy as np
import pytest

from isogloss.data import encode as module
from isogloss.data.encode import check_coverage, encode, tokenizer_fingerprint
from isogloss.data.source import read_rows
from isogloss.data.task import load_task
from isogloss.errors import IsoglossWarning, Mistakes

from .conftest import WORDS, SmallKind, make_bag, small_tokenizer


@pytest.fixture
def task(write, tmp_path):
    write("train-en.csv", "one,two,label\nthe cat,sat home,yes\na very big red dog,ran,no\nThe cat,,yes\n")
    return load_task(
        {
            "name": "files",
            "path": str(tmp_path),
            "languages": ["en"],
            "texts": ["one", "two"],
            "labels": ["no", "yes"],
            "files": {"train": "train-{language}.csv"},
        }
    )


def _encode(task, tokenizer, kind, cache, max_length=16):
    return encode(
        read_rows(task, "en", "train"),
        task,
        "en",
        "train",
        tokenizer,
        kind,
        max_length=max_length,
        cache=cache,
    )


@pytest.mark.parametrize("types", [False, True])
def test_a_bag_holds_what_the_tokenizer_gives_for_each_row_alone(task, tokenizer, tmp_path, types, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 2)
    bag = _encode(task, tokenizer, SmallKind(types=types), tmp_path / "bags")
    for row, pair in enumerate([("the cat", "sat home"), ("a very big red dog", "ran"), ("The cat", "")]):
        alone = tokenizer([pair[0]], [pair[1]], return_attention_mask=False, return_token_type_ids=types)
        assert {name: [values.tolist()] for name, values in bag.tokens(row).items()} == dict(alone)
    assert bag.lengths.tolist() == [7, 9, 5]
    assert bag.targets["labels"].tolist() == [1, 0, 1]
    assert (bag.task, bag.language, bag.split, bag.labels) == ("files", "en", "train", ("no", "yes"))
    assert bag.pad == {"input_ids": 0, "token_type_ids": 0} if types else {"input_ids": 0}


def test_coverage_counts_unknown_tokens_and_words(task, tokenizer, tmp_path):
    bag = _encode(task, tokenizer, SmallKind(), tmp_path / "bags")
    assert bag.unknown_share == pytest.approx(1 / 12)  # "The"; the special tokens are left out
    assert bag.tokens_per_word == 1.0
    cut = _encode(task, tokenizer, SmallKind(), tmp_path / "bags", max_length=7)
    assert cut.lengths.tolist() == [7, 7, 5]
    assert cut.tokens_per_word == 1.0  # of the third row: the others may have been cut
    assert np.isnan(cut.subset(ids=["0", "1"]).tokens_per_word)


def test_words_of_a_script_with_vowel_signs_are_not_split(task, write, tmp_path):
    write("train-en.csv", "one,two,label\nहिन्दी भाषा।,— ,yes\n")
    bag = _encode(task, small_tokenizer(["हिन्दी", "भाषा"]), SmallKind(), tmp_path / "bags")
    assert bag.columns.words.tolist() == [2]


def test_it_is_encoded_once_and_mapped(task, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MAPPED", 1)
    kind = SmallKind()
    first = _encode(task, tokenizer, kind, tmp_path / "bags")
    again = _encode(task, tokenizer, kind, tmp_path / "bags")
    assert kind.calls == 1
    assert again.ids.tolist() == first.ids.tolist()
    assert isinstance(again.columns.inputs["input_ids"].base, np.memmap)
    assert not again.columns.inputs["input_ids"].flags.writeable
    assert [path.name[0] for path in (tmp_path / "bags").iterdir()] != ["."]


def test_what_changes_the_tokens_changes_the_key(task, tokenizer, write, tmp_path):
    cache = tmp_path / "bags"
    _encode(task, tokenizer, SmallKind(), cache)
    _encode(task, tokenizer, SmallKind(), cache, max_length=8)
    _encode(task, tokenizer, SmallKind(version=2), cache)
    _encode(task, small_tokenizer([*WORDS, "The"]), SmallKind(), cache)
    write("train-en.csv", "one,two,label\nthe cat,sat,yes\n")
    _encode(task, tokenizer, SmallKind(), cache)
    assert len(list(cache.iterdir())) == 5


def test_a_tokenizer_is_what_it_does_not_what_it_was_asked_last():
    one, other = small_tokenizer(), small_tokenizer()
    other(["a"], truncation=True, max_length=3, padding="max_length")
    assert tokenizer_fingerprint(one) == tokenizer_fingerprint(other)
    assert tokenizer_fingerprint(one) != tokenizer_fingerprint(small_tokenizer(reversed(WORDS)))


def test_tokenizers_are_not_kept_alive(tokenizer):
    mortal = small_tokenizer()
    tokenizer_fingerprint(mortal)
    reference = weakref.ref(mortal)
    del mortal
    gc.collect()
    assert reference() is None


def test_a_tokenizer_that_is_not_fast(task, tmp_path):
    class Slow:
        pass

    with pytest.raises(Mistakes, match="Slow is no fast tokenizer"):
        _encode(task, Slow(), SmallKind(), tmp_path / "bags")


@pytest.mark.parametrize("damage", ["missing", "cut", "pickled"])
def test_a_damaged_bag_is_made_again(task, tokenizer, tmp_path, damage):
    kind = SmallKind()
    expected = _encode(task, tokenizer, kind, tmp_path / "bags").tokens(1)["input_ids"].tolist()
    (folder,) = (tmp_path / "bags").iterdir()
    path = folder / "ids.npy"
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-4])
    else:
        np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    bag = _encode(task, tokenizer, kind, tmp_path / "bags")
    assert kind.calls == 2
    assert bag.tokens(1)["input_ids"].tolist() == expected


def test_a_full_disk_is_told_and_leaves_nothing(task, tokenizer, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(Mistakes, match="bags: cannot be written: No space left on device"):
        _encode(task, tokenizer, SmallKind(), tmp_path / "bags")
    assert list((tmp_path / "bags").iterdir()) == []


def test_two_writers_end_with_one_bag(task, tokenizer, tmp_path, monkeypatch):
    class Overtaken(SmallKind):
        def encode(self, *arguments):
            _encode(task, tokenizer, SmallKind(), tmp_path / "bags")  # another process, meanwhile
            return super().encode(*arguments)

    bag = _encode(task, tokenizer, Overtaken(), tmp_path / "bags")
    assert len(bag) == 3
    assert len(list((tmp_path / "bags").iterdir())) == 1


def test_a_writer_that_comes_second_takes_the_bag_that_is_there(task, tokenizer, tmp_path):
    _encode(task, tokenizer, SmallKind(), tmp_path / "bags")
    (folder,) = (tmp_path / "bags").iterdir()
    late = tmp_path / "late"
    late.mkdir()
    module._move(late, folder)
    assert len(list(folder.iterdir())) == 9
    (folder / "ids.npy").unlink()
    with pytest.raises(OSError, match="not empty"):
        module._move(late, folder)


def _bag_with_unknown(unknown):
    bag = make_bag([10] * 10)
    return replace(bag, columns=replace(bag.columns, unknown=np.array([unknown] + [0] * 9, dtype=np.int32)))


def test_coverage_passes_warns_and_refuses():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_coverage(_bag_with_unknown(5))
    with pytest.warns(IsoglossWarning, match="toy en train: 6% of the tokens are unknown"):
        check_coverage(_bag_with_unknown(6))
    with pytest.warns(IsoglossWarning):
        check_coverage(_bag_with_unknown(20))
    with pytest.raises(Mistakes, match=r"21% .* set allow_unknown = 0.22"):
        check_coverage(_bag_with_unknown(21))
    with pytest.warns(IsoglossWarning):
        check_coverage(_bag_with_unknown(21), allow_unknown=0.22)
