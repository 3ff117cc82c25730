"""Encoders by name: the embedded one, a folder, or a name on the hub."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from isogloss.errors import Mistake, Mistakes, mistake

EMBEDDED = "mini"

_CONFIG = "config.json"
_SAFETENSORS = ("model.safetensors", "model.safetensors.index.json")
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "sentencepiece.bpe.model", "spm.model", "vocab.json")
_HUB_FILES = ("*.json", "*.txt", "*.model")
_HUB_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def locate(encoder: str, *, offline: bool = False) -> Path:
    """Return the folder that holds an encoder, downloading it if it has to come from the hub.

    Args:
        encoder: "mini", a folder, or a name on the hub, which `name@revision` pins to a commit, tag or branch. What
            is in the hub's cache is taken as it is there; the hub is asked for the rest.
        offline: use nothing of the hub but what is in its cache.

    Raises:
        Mistakes: there is no such encoder, or its folder lacks a part.
    """
    if encoder == EMBEDDED:
        import isogloss_mini

        try:
            folder = Path(isogloss_mini.encoder_folder())
        except OSError as fault:
            raise mistake(
                f"cannot be unpacked ({fault})",
                where=f"encoder {EMBEDDED}",
                remedy="make room, or set ISOGLOSS_CACHE to a folder that can be written",
            ) from fault
    elif _means_folder(encoder):
        folder = Path(encoder).expanduser()
    else:
        folder = _from_hub(encoder, offline=offline)
    _check(folder, encoder)
    return folder


def on_hub(encoder: str) -> bool:
    """Return whether an encoder's name means one on the hub, and not the embedded one or a folder."""
    return encoder != EMBEDDED and not _means_folder(encoder)


def encoder_fingerprint(encoder: str, *, offline: bool = False) -> str:
    """Return a hash (sha256, hexadecimal) of an encoder's configuration, weights and tokenizer.

    Two copies of one encoder have the same fingerprint, wherever they lie.

    Raises:
        Mistakes: see `locate`.
    """
    folder = locate(encoder, offline=offline)
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and _matters(path.name, folder):
            with path.open("rb") as file:
                digest.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _means_folder(encoder: str) -> bool:
    path = Path(encoder).expanduser()
    if path.is_dir() or path.is_absolute() or encoder.startswith((".", "~")):
        return True
    return encoder.partition("@")[0].count("/") > 1  # a revision may have more: refs/pr/1


def _check(folder: Path, encoder: str) -> None:
    """Refuse a folder that lacks configuration, weights or tokenizer, naming all that is missing."""
    if not folder.is_dir():
        raise mistake("there is no such folder", where=str(folder), remedy="name a folder with a model, or a hub name")
    missing = _missing(folder)
    if missing:
        remedy = "name a folder written by save_pretrained of model and tokenizer"
        raise Mistakes([Mistake(f"the encoder lacks {part}", encoder, remedy) for part in missing])


def _missing(folder: Path) -> list[str]:
    parts = {
        _CONFIG: (_CONFIG,),
        "weights (model.safetensors or pytorch_model.bin)": _SAFETENSORS + _PICKLED,
        "a tokenizer (tokenizer.json)": _TOKENIZERS,
    }
    return [part for part, names in parts.items() if not any((folder / name).is_file() for name in names)]


def _matters(name: str, folder: Path) -> bool:
    """Whether a file decides what the encoder computes. Pickled weights do not where safetensors lie beside them."""
    if name.endswith(".safetensors"):
        return True
    if name.endswith(".bin"):
        return not any((folder / other).is_file() for other in _SAFETENSORS)
    return name == _CONFIG or name in _TOKENIZERS or name.startswith("tokenizer") or name in ("merges.txt",)


def _from_hub(name: str, *, offline: bool) -> Path:
    """Return the folder in the hub's cache of `name` or `name@revision`, downloaded if it is not there whole."""
    from huggingface_hub.errors import HFValidationError

    repository, pinned, revision = name.partition("@")
    if pinned and not revision:
        raise mistake("names no revision", where=name, remedy="write a commit, tag or branch after the @, or no @")
    try:
        folder = _cached(repository, revision or None)
        if folder is None and not offline:
            folder = _downloaded(repository, revision or None)
    except HFValidationError as error:
        raise mistake("is neither a folder nor a name on the hub", where=name, remedy="check the name") from error
    except Exception as error:  # of the client or its transport; their classes change with its version
        told = " ".join(str(error).split())[:200] or type(error).__name__
        remedy = f'check name and network, name a folder, or take the embedded encoder "{EMBEDDED}"'
        raise mistake(f"cannot be had from the hub ({told})", where=name, remedy=remedy) from error
    if folder is None:
        remedy = "bring it where there is a network (`isogloss fetch RECIPE`), name a folder, or take the embedded "
        raise mistake("is not in the hub's cache", where=name, remedy=f'{remedy}encoder "{EMBEDDED}"')
    return folder


def _cached(repository: str, revision: str | None) -> Path | None:
    """Return an encoder's folder in the hub's cache, or None where not all of it is there. Asks no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    for weights in _HUB_WEIGHTS:
        patterns = [*_HUB_FILES, weights]  # for other files of the repository the cache would not count as whole
        try:
            folder = Path(
                snapshot_download(repository, revision=revision, allow_patterns=patterns, local_files_only=True)
            )
        except LocalEntryNotFoundError:
            continue
        if not _missing(folder) and _has_weights(folder):
            return folder
    return None


def _downloaded(repository: str, revision: str | None) -> Path:
    """Download an encoder: its safetensors, and pickled weights only where there are no others."""
    from huggingface_hub import HfApi, snapshot_download

    # Not list_repo_files, which without a network tries again for half a minute.
    files = [file.rfilename for file in HfApi().model_info(repository, revision=revision).siblings or ()]
    weights = _HUB_WEIGHTS[0] if any(file in _SAFETENSORS for file in files) else _HUB_WEIGHTS[1]
    return Path(snapshot_download(repository, revision=revision, allow_patterns=[*_HUB_FILES, weights]))


def _has_weights(folder: Path) -> bool:
    """Whether weights are there, with every part that an index names: an index is fetched with other JSON files."""
    for single, index in (_SAFETENSORS, _PICKLED):
        if (folder / single).is_file():
            return True
        if (folder / index).is_file():
            parts = set(json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"].values())
            if all((folder / part).is_file() for part in parts):
                return True
    return False
