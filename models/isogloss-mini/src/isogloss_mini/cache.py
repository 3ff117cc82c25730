"""The unpacked encoder in the user's cache: written once, whole or not at all, by however many processes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

PACKED = Path(__file__).parent / "encoder"
PACKED_WEIGHTS = PACKED / "model.q4.safetensors"
PACKED_SHA256 = "7c81d08ea2f49b61e1b108d4a7f4fd8d309a6799ecd9c3081955a66579e236f9"
COPIED = ("config.json", "tokenizer.json", "tokenizer_config.json")
WEIGHTS = "model.safetensors"
SIZES = "sizes.json"  # name and bytes of every file, so that a look at the disk tells a whole folder


def encoder_folder() -> Path:
    """Return an ordinary Hugging Face folder with the encoder in float32 (225 MB), unpacking it on first use.

    The folder lies in `$ISOGLOSS_CACHE` or else in the user's cache, under a name made from the checksum of
    the packed weights, so that another version of them never meets it. Processes that call this at once all
    end with the same whole folder; a folder from which something is missing is written anew.

    Raises:
        OSError: the cache cannot be written to, or the weights that this package ships are damaged.
    """
    cache = Path(os.environ.get("ISOGLOSS_CACHE") or user_cache_path("isogloss"))
    folder = cache.absolute() / f"isogloss-mini-{PACKED_SHA256[:16]}"
    if not is_whole(folder):
        try:
            write(folder)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OSError(
                error.errno,
                f"cannot unpack the encoder: {reason} (ISOGLOSS_CACHE names another place)",
                str(folder),
            ) from error
    return folder


def is_whole(folder: Path) -> bool:
    """Tell whether every file of the encoder is there in its full size; only the list of sizes is read."""
    try:
        sizes = json.loads((folder / SIZES).read_text())
        return all((folder / name).stat().st_size == sizes[name] for name in (*COPIED, WEIGHTS))
    except (OSError, ValueError, KeyError):
        return False


def write(folder: Path) -> None:
    """Unpack the encoder beside `folder` and put it in place in one step."""
    from isogloss_mini.unpack import unpack

    with PACKED_WEIGHTS.open("rb") as packed:
        if hashlib.file_digest(packed, "sha256").hexdigest() != PACKED_SHA256:
            raise OSError(f"{PACKED_WEIGHTS} is damaged, install isogloss-mini again")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        for name in COPIED:
            shutil.copyfile(PACKED / name, fresh / name)
        unpack(PACKED_WEIGHTS, fresh / WEIGHTS)
        shutil.copymode(fresh / "config.json", fresh / WEIGHTS)  # safetensors lets only the owner read it
        (fresh / SIZES).write_text(json.dumps({file.name: file.stat().st_size for file in fresh.iterdir()}))
        put_in_place(fresh, folder, Path(scratch) / "damaged")


def put_in_place(fresh: Path, folder: Path, aside: Path) -> None:
    """Rename `fresh` to `folder`, unless another process was quicker; a damaged folder makes room."""
    if not is_whole(folder):
        with contextlib.suppress(FileNotFoundError):  # not there, or another process has just moved it
            folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        if not is_whole(folder):
            raise
