"""A page of made-up runs in a browser. Left out where no Chromium is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.chromium import Browser, started
from isogloss.evaluation.evidence import chosen
from isogloss.report.material import Material
from isogloss.report.page import page
from isogloss.report.write import page_html
from report.make import NAME, made_up_store

EVIL = "<script>document.title = 'broken into'</script>"
MANY = ("en", "el", "ar", "de", "fi", "hi", "ja", "ru", "sw", "th", "ur", "zh")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests."""
    try:
        with started() as found:
            yield found
    except LookupError as lacking:
        pytest.skip(str(lacking))


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with figures, of runs whose labels, ids and one variant are scripts."""
    pytest.importorskip("vl_convert", reason="figures are drawn with vl-convert")
    folder = tmp_path_factory.mktemp("page")
    store = made_up_store(
        folder / "store",
        languages=MANY,
        variants={"pooled": 0.5, "meta_optimizer": 0.8, EVIL + "variant": 0.4},
        labels=(EVIL + "label", "طقس", "天気"),
        ids=EVIL + "id{}",
        rates=("meta_optimizer",),
    )
    file = folder / "report.html"
    file.write_text(page_html(page(Material(store, chosen(store, [NAME])))), encoding="utf-8")
    return file
