"""A hub that is a folder: what `huggingface_hub.snapshot_download` would bring from there, and the cache it goes to."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.utils import filter_repo_objects

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Repositories are folders below `remote`; the cache has the layout of the real one.

    Attributes:
        remote: where repositories are: `remote / "owner" / "name"`; a task may also name a folder by its whole path.
        cache: the hub's cache.
        asked: repositories that were asked for over the network, in order.
        here: whether there is a network.
    """

    def __init__(self, folder: Path) -> None:
        self.remote, self.cache = folder / "remote", folder / "hub"
        self.asked: list[str] = []
        self.here = True

    def snapshot_download(
        self,
        repo_id: str,
        *,
        repo_type: str = "model",
        revision: str | None = None,
        allow_patterns: Sequence[str],
        local_files_only: bool = False,
    ) -> str:
        """Bring what patterns name, or find it, as the function of this name does."""
        repository = self.cache / f"{repo_type}s--{repo_id.strip('/').replace('/', '--')}"
        snapshot, ref = repository / "snapshots" / COMMIT, repository / "refs" / (revision or "main")
        remote = self.remote / repo_id
        wanted = [path.relative_to(remote).as_posix() for path in sorted(remote.rglob("*")) if path.is_file()]
        wanted = list(filter_repo_objects(wanted, allow_patterns=list(allow_patterns)))
        if local_files_only:
            known = revision == COMMIT or ref.is_file()
            if not (known and snapshot.is_dir() and all((snapshot / name).is_file() for name in wanted)):
                raise LocalEntryNotFoundError("not in the cache")
            return str(snapshot)
        self.asked.append(repo_id)
        if not self.here:
            raise ConnectionError("no network")
        if not remote.is_dir():
            raise FileNotFoundError(f"404: {repo_id}")
        for name in wanted:
            (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(remote / name, snapshot / name)
        snapshot.mkdir(parents=True, exist_ok=True)
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(COMMIT)
        return str(snapshot)

    def model_info(self, repo_id: str, *, revision: str | None = None) -> object:
        """Return what `HfApi.model_info` says of a repository's files."""
        del revision
        self.asked.append(repo_id)
        if not self.here:
            raise ConnectionError("no network")
        files = [path.name for path in (self.remote / repo_id).iterdir()]
        siblings = [type("Sibling", (), {"rfilename": name}) for name in files]
        return type("Info", (), {"siblings": siblings})


def in_place_of_the_hub(monkeypatch: pytest.MonkeyPatch, folder: Path) -> FakeHub:
    """Return a hub that all code takes for the real one, with caches of its own below a folder."""
    import datasets

    from isogloss.data import hub_files

    fake = FakeHub(folder)
    monkeypatch.setattr("huggingface_hub.snapshot_download", fake.snapshot_download)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda self, *args, **more: fake.model_info(*args, **more))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(fake.cache))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "datasets")
    hub_files.commit_of.cache_clear()
    return fake
