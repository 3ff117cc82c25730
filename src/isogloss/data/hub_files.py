"""Files of a data set in the hub's own cache: at a commit, by pattern; brought from the hub where they are not there.

All that reads a data set goes through here. So a machine without a network has whatever the same call brought before.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from isogloss.errors import Mistakes, mistake

CARD = "README.md"
_EVERY = ["*.parquet"]
_PART = re.compile(r"(.*)-\d{5}-of-(\d{5})(.*)")


@cache
def commit_of(path: str, revision: str, *, offline: bool) -> str:
    """Return the commit that a revision stands for; a commit stands for itself.

    Offline it is what a branch stood for when the hub was asked last.

    Raises:
        Mistakes: the hub, or offline its cache, has no such data set or revision.
    """
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    return snapshot(path, revision, [CARD], offline=offline).name


def snapshot(path: str, revision: str, patterns: list[str], *, offline: bool) -> Path:
    """Return the folder of a data set in the cache, with all its files that patterns name.

    Raises:
        Mistakes: the hub cannot be reached or has no such data set; offline, the cache lacks some of the files.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                path, repo_type="dataset", revision=revision, allow_patterns=patterns, local_files_only=offline
            )
        )
    except LocalEntryNotFoundError as fault:
        if not offline:
            raise unreachable(path, fault) from None
        raise _not_whole(path) from None
    except Exception as fault:  # noqa: BLE001 (of the client or its transport; their classes change with its version)
        raise unreachable(path, fault) from None
    if offline and not _parts_are_all_there(folder):
        raise _not_whole(path)
    return folder


def _not_whole(path: str) -> Mistakes:
    remedy = 'bring it where there is a network (`isogloss fetch RECIPE`), or give a folder: path = "FOLDER"'
    return mistake("not, or not wholly, in the hub's cache", where=path, remedy=remedy)


def _parts_are_all_there(folder: Path) -> bool:
    """Whether of each file that is cut into parts, named so, every part is in the cache.

    The hub's client takes what is there for all that there is, where it was never told what there is.
    """
    named = ((path, _PART.fullmatch(path.name)) for path in folder.rglob("*"))
    there = Counter((str(path.parent), found[1], found[2], found[3]) for path, found in named if found)
    return all(count == int(parts) for (_, _, parts, _), count in there.items())


def whole(path: str, revision: str, config: str | None, pattern: str | None, *, offline: bool) -> Path:
    """Return the folder of a data set in the cache, with its card and the files of a configuration or of a pattern.

    Raises:
        Mistakes: as `snapshot`.
    """
    if pattern is not None:
        return snapshot(path, revision, [CARD, pattern], offline=offline)
    card = snapshot(path, revision, [CARD], offline=offline) / CARD
    return snapshot(path, revision, [CARD, *_patterns(card, config)], offline=offline)


def unreachable(path: str, fault: Exception) -> Mistakes:
    """Return what a data set that cannot be had is refused with."""
    told = " ".join(str(fault).split())[:200]
    return mistake(
        f"cannot be had from the hub: {told or type(fault).__name__}",
        where=path,
        remedy='check name and network, or give a folder with the files: path = "FOLDER"',
    )


def _patterns(card: Path, config: str | None) -> list[str]:
    """Return which files a configuration is made of, as the card says; all Parquet files where it does not."""
    from huggingface_hub import DatasetCard

    told = DatasetCard.load(card).data.to_dict().get("configs") if card.is_file() else None
    for entry in told or ():
        if entry.get("config_name", "default") == (config or "default") and "data_files" in entry:
            folder = f"{entry['data_dir'].rstrip('/')}/" if entry.get("data_dir") else ""
            return [f"{folder}{each}" for one in _paths(entry["data_files"]) for each in (one, one.removeprefix("**/"))]
    return _EVERY


def _paths(files: Any) -> list[str]:
    """Return the patterns in `data_files` of a card: one, several, or a table or several for each split."""
    if isinstance(files, str):
        return [files]
    if isinstance(files, dict):
        return _paths(files.get("path", []))
    return [path for each in files for path in _paths(each)]
