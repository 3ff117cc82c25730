"""Rows → bag: tokenised once, in batches, cached by content, written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from isogloss.data.bag import Bag, Columns
from isogloss.data.flat import Strings, starts_of
from isogloss.data.rows import Rows
from isogloss.data.task import Task
from isogloss.errors import IsoglossWarning, mistake
from isogloss.kinds.base import Encoded, Kind

_FORMAT = 2  # raised when the files of a bag change
_CHUNK = 8192  # rows tokenised at once: bounds memory, long enough for the tokenizer's threads
_WARN_UNKNOWN = 0.05
_MAPPED = 2**20  # bytes from which on an array is mapped; below, a file held open would cost more than its memory
_ARRAYS = ("ids", "groups", "windows", "offsets", "content", "unknown", "words")
_NAMED = ("inputs", "targets", "aside", "texts")  # arrays that the kind has names for


def encode(  # noqa: PLR0917
    rows: Rows,
    task: Task,
    language: str,
    split: str,
    tokenizer: Any,
    kind: Kind,
    *,
    max_length: int,
    cache: Path,
) -> Bag:
    """Return the bag of `rows`, out of the cache where the same rows were encoded before in the same way.

    The cache's key is the content: rows, tokenizer, kind with its version, and `max_length`.

    Args:
        rows: what to encode.
        task: whose rows they are.
        language: of the rows.
        split: of the rows.
        tokenizer: a fast one of `transformers`.
        kind: says how an example becomes tokens.
        max_length: tokens at most; longer texts are cut.
        cache: the folder of bags; made if missing.

    Raises:
        Mistakes: the tokenizer is no fast one, or the cache cannot be written (full or read-only disk).
    """
    key = _key(rows, tokenizer, kind, max_length)
    folder = cache / key
    columns = _open(folder)
    if columns is None:
        _write(folder, _encode(rows, tokenizer, kind, max_length))
        columns = _open(folder)
        assert columns is not None
    pad = {name: _pad(tokenizer, name) for name in columns.inputs}
    return Bag(task.name, language, split, rows.label_names, pad, columns, np.arange(len(rows)))


def check_coverage(bag: Bag, allow_unknown: float = 0.2) -> None:
    """Warn where the encoder's vocabulary knows a language badly, and refuse where it hardly knows it.

    Args:
        bag: what to check.
        allow_unknown: the share of unknown tokens above which the bag is refused; above 5 % it is warned of.

    Raises:
        Mistakes: the share is larger than `allow_unknown`.
    """
    share = bag.unknown_share
    place = f"{bag.task} {bag.language} {bag.split}"
    what = f"{share:.0%} of the tokens are unknown to the encoder's vocabulary"
    if share > allow_unknown:
        enough = min(1.0, share + 0.01)
        remedy = f"leave the language out, take another encoder, or set allow_unknown = {enough:.2f}"
        raise mistake(what, where=place, remedy=remedy)
    if share > _WARN_UNKNOWN:
        warnings.warn(f"{place}: {what}; scores in this language say little", IsoglossWarning, stacklevel=2)


def tokenizer_fingerprint(tokenizer: Any) -> str:
    """Return a name for what a fast tokenizer does (SHA-256, hex), whatever it was last called with."""
    known = _FINGERPRINTS.get(tokenizer)
    if known is None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            what = f"{type(tokenizer).__name__} is no fast tokenizer"
            raise mistake(what, where="encoder", remedy="take an encoder with a tokenizer.json")
        settings = json.loads(backend.to_str())
        settings.pop("truncation"), settings.pop("padding")  # of the last call
        known = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        _FINGERPRINTS[tokenizer] = known
    return known


_FINGERPRINTS: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def _key(rows: Rows, tokenizer: Any, kind: Kind, max_length: int) -> str:
    made_by = [kind.name, kind.version, dict(kind.settings), max_length]
    parts = [_FORMAT, rows.fingerprint, tokenizer_fingerprint(tokenizer), *made_by]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _pad(tokenizer: Any, name: str) -> int:
    pads = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
    return int(pads.get(name) or 0)


def _encode(rows: Rows, tokenizer: Any, kind: Kind, max_length: int) -> dict[str, NDArray[Any]]:
    """Tokenise; return the arrays of a bag by file name."""
    encoded = _joined([kind.encode(part, tokenizer, max_length) for part in _chunks(rows)])
    texts = {name: Strings.of(column) for name, column in encoded.texts.items()}
    return {
        "ids": rows.ids,
        "groups": rows.groups,
        "windows": encoded.windows,
        "offsets": encoded.offsets,
        **{f"inputs.{name}": values for name, values in encoded.inputs.items()},
        **{f"targets.{name}": values for name, values in encoded.targets.items()},
        **{f"aside.{name}": values for name, values in encoded.aside.items()},
        **{f"texts.{name}.{part}": values for name, text in texts.items() for part, values in text._asdict().items()},
        **_coverage(rows.texts, encoded, tokenizer, max_length),
    }


def _chunks(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), _CHUNK):
        yield rows.between(start, start + _CHUNK)


def _joined(parts: Sequence[Encoded]) -> Encoded:
    """Put the examples of all parts one after the other."""

    def columns(name: str) -> dict[str, Any]:
        return {key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in getattr(parts[0], name)}

    def starts(name: str) -> NDArray[np.int64]:
        return starts_of(np.concatenate([np.diff(getattr(part, name)) for part in parts]))

    texts = {key: [text for part in parts for text in part.texts[key]] for key in parts[0].texts}
    named = {name: columns(name) for name in ("inputs", "targets", "aside")}
    return Encoded(windows=starts("windows"), offsets=starts("offsets"), texts=texts, **named)


def _coverage(
    texts: Sequence[tuple[str, ...]], encoded: Encoded, tokenizer: Any, max_length: int
) -> dict[str, NDArray[np.int32]]:
    """Count, for each example, tokens that are not special, unknown tokens, and words."""
    tokens, offsets = encoded.inputs["input_ids"], encoded.offsets[encoded.windows]
    unknown = tokens == (-1 if tokenizer.unk_token_id is None else tokenizer.unk_token_id)
    content = unknown | ~np.isin(tokens, tokenizer.all_special_ids)
    words = np.fromiter((sum(map(_words, row)) for row in texts), dtype=np.int32, count=len(texts))
    # Cut, perhaps, or said twice: the words are not those of the tokens.
    words[(np.diff(offsets) >= max_length) | (np.diff(encoded.windows) > 1)] = 0
    return {"content": _counts(content, offsets), "unknown": _counts(unknown, offsets), "words": words}


def _counts(marks: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """Count the marked tokens of each example."""
    before = np.concatenate([[0], np.cumsum(marks)])
    return np.diff(before[offsets]).astype(np.int32)


def _words(text: str) -> int:
    # Not \w+, which in Python splits Devanagari and its kin at every vowel sign.
    return sum(any(map(str.isalnum, piece)) for piece in text.split())


def _open(folder: Path) -> Columns | None:
    """Map a cached bag; None where there is none that can be read."""
    try:
        arrays = {path.stem: _array(path) for path in folder.glob("*.npy")}
        columns: dict[str, Any] = {name: arrays.pop(name) for name in _ARRAYS}
    except OSError as fault:
        if fault.errno in (errno.EMFILE, errno.ENFILE):  # a bag that is there is not to be taken for a broken one
            remedy = "raise the limit (ulimit -n), or test on fewer languages at once"
            raise mistake("too many files are open", where=str(folder), remedy=remedy) from None
        return None
    except (ValueError, KeyError, EOFError):
        return None
    named: dict[str, dict[str, Any]] = {name: {} for name in _NAMED}
    for name, array in sorted(arrays.items()):
        group, _, key = name.partition(".")
        named[group][key] = array
    texts = {key.removesuffix(".data") for key in named["texts"] if key.endswith(".data")}
    named["texts"] = {
        key: Strings(named["texts"][f"{key}.data"], named["texts"][f"{key}.offsets"]) for key in sorted(texts)
    }
    return Columns(**(columns | named))


def _array(path: Path) -> NDArray[Any]:
    mode: Literal["r"] | None = "r" if path.stat().st_size >= _MAPPED else None
    # As a plain array: slicing an np.memmap costs ten times as much.
    array: NDArray[Any] = np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False))
    array.setflags(write=False)
    return array


def _write(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a bag beside its place and move it there; another process may have been faster, with the same."""
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".bag-", dir=folder.parent))
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)
        if _open(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
            _move(temporary, folder)
    except OSError as fault:
        raise mistake(
            f"cannot be written: {fault.strerror or fault}",
            where=str(folder.parent),
            remedy="free space, or give --store",
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _move(temporary: Path, folder: Path) -> None:
    try:
        temporary.rename(folder)
    except OSError:
        if _open(folder) is None:
            raise
