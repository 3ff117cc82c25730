"""Encoders by name: the embedded one, a folder, or a name on the hub."""

from __future__ import annotations

import hashlib
from pathlib import Path

from isogloss.errors import Mistake, Mistakes, mistake

EMBEDDED = "mini"

_CONFIG = "config.json"
_SAFETENSORS = ("model.safetensors", "model.safetensors.index.json")
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "sentencepiece.bpe.model", "spm.model", "vocab.json")
_HUB_FILES = ("*.json", "*.txt", "*.model")


def locate(encoder: str, *, offline: bool = False) -> Path:
    """Return the folder that holds an encoder, downloading it if it has to come from the hub.

    Args:
        encoder: "mini", a folder, or a name on the hub.
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
    return path.is_dir() or path.is_absolute() or encoder.startswith((".", "~")) or encoder.count("/") > 1


def _check(folder: Path, encoder: str) -> None:
    """Refuse a folder that lacks configuration, weights or tokenizer, naming all that is missing."""
    if not folder.is_dir():
        raise mistake("there is no such folder", where=str(folder), remedy="name a folder with a model, or a hub name")
    parts = {
        _CONFIG: (_CONFIG,),
        "weights (model.safetensors or pytorch_model.bin)": _SAFETENSORS + _PICKLED,
        "a tokenizer (tokenizer.json)": _TOKENIZERS,
    }
    missing = [part for part, names in parts.items() if not any((folder / name).is_file() for name in names)]
    if missing:
        remedy = "name a folder written by save_pretrained of model and tokenizer"
        raise Mistakes([Mistake(f"the encoder lacks {part}", encoder, remedy) for part in missing])


def _matters(name: str, folder: Path) -> bool:
    """Whether a file decides what the encoder computes. Pickled weights do not where safetensors lie beside them."""
    if name.endswith(".safetensors"):
        return True
    if name.endswith(".bin"):
        return not any((folder / other).is_file() for other in _SAFETENSORS)
    return name == _CONFIG or name in _TOKENIZERS or name.startswith("tokenizer") or name in ("merges.txt",)


def _from_hub(name: str, *, offline: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        if offline:
            return Path(snapshot_download(name, local_files_only=True))
        return Path(snapshot_download(name, allow_patterns=[*_HUB_FILES, _weights_pattern(name)]))
    except HFValidationError as error:
        raise mistake("is neither a folder nor a name on the hub", where=name, remedy="check the name") from error
    except LocalEntryNotFoundError as error:
        remedy = 'run once without --offline, name a folder, or take the embedded encoder "mini"'
        what = "is not in the hub's cache" if offline else "is not in the hub's cache, and the hub cannot be reached"
        raise mistake(what, where=name, remedy=remedy) from error
    except (HfHubHTTPError, OSError) as error:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        remedy = 'check name and network, name a folder, or take the embedded encoder "mini"'
        raise mistake(f"cannot be had from the hub ({why})", where=name, remedy=remedy) from error


def _weights_pattern(name: str) -> str:
    """Return which weights to fetch: safetensors, and pickled ones only where there are no others."""
    from huggingface_hub import list_repo_files

    files = list_repo_files(name)
    return "*.safetensors" if any(file in _SAFETENSORS for file in files) else "pytorch_model*.bin"
