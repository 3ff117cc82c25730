"""Made-up runs with something for every figure, read as a page reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from isogloss.evaluation.evidence import chosen
from isogloss.report.figure import Figure
from isogloss.report.material import Material
from isogloss.store import Store
from report.make import MANY, NAME, made_up_store

Rows = list[dict[str, Any]]


def material_of(store: Store, **asked: Any) -> Material:
    return Material(store, chosen(store, [NAME]), **asked)


def charts(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every part of a specification that may be drawn by itself, the whole first."""
    yield spec
    for name in ("layer", "vconcat", "hconcat", "concat"):
        for part in spec.get(name, ()):
            yield from charts(part)
    if isinstance(spec.get("spec"), dict):
        yield from charts(spec["spec"])


def drawn(figure: Figure) -> Rows:
    """The rows that a figure draws most of: the largest table of its specification."""
    return max((rows for rows in figure.chart.to_dict()["datasets"].values() if isinstance(rows, list)), key=len)


def one(draw: Callable[[Material], Figure | None], material: Material) -> Figure:
    """A figure that is there."""
    figure = draw(material)
    assert figure is not None
    return figure


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Two variants, two seeds, four languages; impacts and learned rates."""
    store = made_up_store(tmp_path_factory.mktemp("plain") / "runs", impacts=True, rates=("meta_optimizer",))
    return material_of(store)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """One variant, nothing logged, nothing analysed."""
    store = made_up_store(tmp_path_factory.mktemp("bare") / "runs", variants={"pooled": 0.5}, steps=0)
    return material_of(store)


@pytest.fixture(scope="session")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Three variants, one far better and one about as good, over two sources and three auxiliaries."""
    axes = {"source": [("en",), ("th",)], "auxiliary": [("el",), ("sw",), ("el", "sw")]}
    variants = {"pooled": 0.5, "far_better": 0.8, "as_good": 0.51}
    folder = tmp_path_factory.mktemp("crossed") / "runs"
    return material_of(made_up_store(folder, axes=axes, variants=variants, seeds=(0, 1, 2), examples=90, steps=4))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """22 languages, 5 variants, 3 seeds, 60 labels, long logs: as large as what is shipped makes them."""
    names = ("pooled", "source_only", "meta_optimizer", "xla_maml", "pooled_same_compute")
    store = made_up_store(
        tmp_path_factory.mktemp("large") / "runs",
        languages=MANY,
        variants={name: 0.5 + 0.03 * place for place, name in enumerate(names)},
        seeds=(0, 1, 2),
        labels=[f"a_label_of_some_length_{number}" for number in range(60)],
        examples=600,
        steps=300,
        impacts=True,
        rates=("meta_optimizer", "pooled_same_compute"),
    )
    return material_of(store)
