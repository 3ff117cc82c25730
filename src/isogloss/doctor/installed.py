"""What is installed, and what the machine has."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from isogloss.doctor.examination import Examination, Finding, cells
from isogloss.doctor.extras import EXTRA
from isogloss.doctor.machine import free_disk, size, total_memory
from isogloss.evaluation.tabular import Column, Table

_PACKAGES = ("isogloss", "isogloss-mini", "torch", "transformers", "tokenizers", "numpy", "polars", "duckdb")
_NOT_FOR_USERS = ("dev", "bench", "docs")
_FULL = 2e9  # bytes; a single checkpoint of a base-sized encoder is 3 GB


def examine(store: Path) -> Examination:
    """Return versions, extras, devices, and what disk and memory are free."""
    findings = [
        Finding("note", f"extra {name}", f"{', '.join(lacking)} not installed", f'pip install "isogloss[{name}]"')
        for name, lacking in extras().items()
        if lacking
    ]
    free = free_disk(store)
    if free < _FULL:
        findings.append(Finding("warning", f"disk of {store}", f"{size(free)} are free", "free space, or give --store"))
    rows = [*_versions(), *_machine(), ("disk free", f"{size(free)} at {store}")]
    table = Table("what is here", (Column("what"), Column("which")), tuple(cells(*row) for row in rows))
    return Examination("installation", "versions, extras, devices, memory and disk", tuple(findings), (table,))


def extras() -> dict[str, tuple[str, ...]]:
    """Return by extra the packages that it would bring and that are not installed."""
    from packaging.requirements import Requirement

    names = [name for name in metadata("isogloss").get_all("Provides-Extra") or [] if name not in _NOT_FOR_USERS]
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted({*names, EXTRA}):
        wanted = [Requirement(line) for line in requires("isogloss") or []]
        own = [one.name for one in wanted if one.marker and one.marker.evaluate({"extra": name})]
        found[name] = tuple(sorted({package for package in own if _version(package) is None}))
    return found


def _versions() -> list[tuple[str, str]]:
    rows = [("python", platform.python_version())]
    return rows + [(name, _version(name) or "not installed") for name in _PACKAGES]


def _machine() -> list[tuple[str, str]]:
    import torch

    from isogloss.learner.precision import has_bf16
    from isogloss.run.provenance import cores

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    memory = total_memory()
    return [
        ("device", f"{device.type} ({name})"),
        ("cores", f"{cores()} of {os.cpu_count()}, {torch.get_num_threads()} threads"),
        ("bf16", "yes" if has_bf16(device) else 'no: precision = "auto" is fp32 here'),
        ("memory", "not known" if memory is None else size(memory)),
    ]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
