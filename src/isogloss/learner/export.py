"""A learner as an ordinary Hugging Face folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from isogloss.errors import mistake
from isogloss.learner.network import Params
from isogloss.learner.quiet import quiet


def export(module: nn.Module, params: Params, tokenizer: Any, folder: Path, card: str) -> None:
    """Write weights (float32, safetensors), configuration, tokenizer and model card, whole or not at all.

    The `from_pretrained(folder)` of the kind's class of transformers then has the learner's logits.

    Args:
        module: the network, a model of transformers whose configuration has the label names.
        params: its parameters.
        tokenizer: its tokenizer.
        folder: where to; must not exist yet.
        card: the text of `README.md`.

    Raises:
        Mistakes: the folder exists, or cannot be written.
    """
    if folder.exists():
        raise mistake("exists already", where=str(folder), remedy="name a folder that does not exist yet")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _write(module, params, tokenizer, unfinished, card)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write(module: Any, params: Params, tokenizer: Any, folder: Path, card: str) -> None:
    weights = {name: value.to("cpu", torch.float32).contiguous() for name, value in params.items()}
    with quiet():
        module.save_pretrained(folder, state_dict=weights)
        tokenizer.save_pretrained(folder)
    _drop_local(folder / "tokenizer_config.json")
    (folder / "README.md").write_text(card, encoding="utf-8")


def _drop_local(file: Path) -> None:
    """Drop what transformers notes of how a tokenizer was loaded here."""
    settings = json.loads(file.read_text(encoding="utf-8"))
    kept = {key: value for key, value in settings.items() if key not in ("is_local", "local_files_only")}
    file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _unwritable(folder: Path, error: OSError) -> Exception:
    why = error.strerror or str(error)
    return mistake(f"cannot be written ({why})", where=str(folder), remedy="name a folder on a disk with space")
