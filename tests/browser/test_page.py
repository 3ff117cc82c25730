"""The page in a browser: it is quiet, asks nothing of the network, and does what its controls say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from browser.chromium import Browser, until
from browser.conftest import EVIL, MANY

pytestmark = pytest.mark.slow

SCORES = "#languages table"
COLUMN = "return [...arguments[0].tBodies[0].rows].map(row => row.cells[arguments[1]].textContent)"


def column(browser: Browser, table: Any, place: int) -> list[str]:
    return list(browser.ask(COLUMN, table, place))


def numbers(cells: list[str]) -> list[float]:
    return [float(re.sub(r"[†▲▼‡,]", "", cell).replace("−", "-")) for cell in cells]


def test_it_is_quiet_and_asks_nothing_of_the_network(browser: Browser, written: Path) -> None:
    browser.open(written)
    live = browser.enliven()
    assert {"figure-scores", "figure-differences", "figure-map"} <= set(live)
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_policy_would_refuse_what_asks_the_network_and_code_out_of_text(browser: Browser, written: Path) -> None:
    """So that the tests around it can fail, and a slip in escaping does no harm."""
    browser.open(written)
    fetched = (
        "const tell = arguments[0]; fetch('http://127.0.0.1:9/').then(() => tell('done'), one => tell(String(one)))"
    )
    assert "TypeError" in browser.driver.execute_async_script(fetched)
    browser.ask("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title = 1\">')")
    browser.ask(
        "const one = document.createElement('script'); one.text = 'document.title = 2'; document.body.append(one)"
    )
    told = until(lambda: [one for one in [*browser.complaints()] if "Content Security Policy" in one])
    assert told
    assert browser.ask("return document.title") == "made-up"


def test_scripts_in_data_are_shown_as_text(browser: Browser, written: Path) -> None:
    browser.open(written)
    browser.enliven()
    cells = set(browser.ask("return [...document.querySelectorAll('td, th')].map(one => one.textContent.trim())"))
    assert {EVIL + "label", "طقس", "天気"} <= cells
    assert any(cell.startswith(EVIL + "id") for cell in cells)
    assert any(cell.startswith(EVIL + "variant") for cell in cells)
    assert browser.ask("return document.title") == "made-up"
    assert browser.ask("return document.body.innerHTML").count("<script") == 1 + 1 + len(
        browser.find("script[type='application/json']")
    )


def test_a_click_on_a_head_sorts_and_a_third_one_undoes_it(browser: Browser, written: Path) -> None:
    browser.open(written)
    table = browser.find(SCORES)[0]
    before = column(browser, table, 0)
    heads = table.find_elements("css selector", "thead th")
    button = heads[2].find_element("css selector", "button")
    seen = []
    for _ in range(3):
        button.click()
        seen.append((heads[2].get_attribute("aria-sort"), numbers(column(browser, table, 2))))
    (first, down), (second, up), (third, _) = seen
    assert (first, second, third) == ("descending", "ascending", "none")
    assert down == sorted(down, reverse=True)
    assert up == sorted(up)
    assert down != up
    assert column(browser, table, 0) == before
    assert sorted(before) == sorted(MANY)


def test_the_keyboard_reaches_a_head_and_sorts(browser: Browser, written: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(written)
    table = browser.find(SCORES)[0]
    for _ in range(200):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.ask("return arguments[0].contains(document.activeElement) && document.activeElement.tagName", table):
            break
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)  # from the language's head to that of its name
    focused = browser.driver.switch_to.active_element
    assert focused.text.startswith("name")
    assert browser.ask("return getComputedStyle(document.activeElement).outlineStyle") != "none"
    focused.send_keys(Keys.ENTER)
    assert column(browser, table, 1) == sorted(column(browser, table, 1))
    focused.send_keys(Keys.SPACE)
    assert column(browser, table, 1) == sorted(column(browser, table, 1), reverse=True)


def test_sorting_goes_by_the_numbers_and_not_by_their_looks(browser: Browser, written: Path) -> None:
    browser.open(written)
    table = next(one for one in browser.find("#languages table") if "difference" in one.text)
    heads = [head.text.split("\n")[0] for head in table.find_elements("css selector", "thead th")]
    place = next(place for place, head in enumerate(heads) if head.startswith("difference"))
    table.find_elements("css selector", "thead button")[place].click()
    found = numbers(column(browser, table, place))
    assert found == sorted(found, reverse=True)
    assert min(found) < 0 < max(found)


def test_hovering_tells_more(browser: Browser, written: Path) -> None:
    from selenium.webdriver import ActionChains

    browser.open(written)
    browser.enliven()
    mark = browser.find("#figure-scores .mark-rect path")[0]
    browser.ask("arguments[0].scrollIntoView({block: 'center'})", mark)
    assert not browser.find("#vg-tooltip-element.visible")
    ActionChains(browser.driver).move_to_element(mark).perform()
    (tooltip,) = until(lambda: browser.find("#vg-tooltip-element.visible"))
    assert "accuracy" in tooltip.text
    assert not tooltip.find_elements("css selector", "script")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_on_a_narrow_screen(browser: Browser, written: Path, scheme: str) -> None:
    browser.open(written, width=360, scheme=scheme)
    browser.enliven()
    assert browser.ask("return document.documentElement.scrollWidth") <= 360
    wide = browser.ask(
        "return [...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
    )
    assert wide > 0  # what is wide scrolls in its own box
    edges = "return [...document.querySelectorAll('select')].map(one => one.getBoundingClientRect().right)"
    assert max(browser.ask(edges)) <= 360  # what is chosen from stays in sight
    table = browser.find(SCORES)[0]
    place = "return arguments[0].tBodies[0].rows[0].cells[0].getBoundingClientRect().left"
    before = browser.ask(place, table)
    browser.ask("arguments[0].closest('.scroll').scrollLeft = 200", table)
    assert browser.ask(place, table) == pytest.approx(before, abs=1)


def test_dark_is_dark_and_can_be_read(browser: Browser, written: Path) -> None:
    found = {}
    for scheme in ("light", "dark"):
        browser.open(written, scheme=scheme)
        colours = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
        ground, ink = (brightness(colour) for colour in browser.ask(colours))
        found[scheme] = ground
        assert (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) >= 7
        # Axes and labels of figures take the ink of the page.
        label = "return getComputedStyle(document.querySelector('#figure-scores .role-axis-label text')).fill"
        assert brightness(browser.ask(label)) == pytest.approx(ink, abs=0.01)
    assert found["dark"] < 0.1 < 0.9 < found["light"]


def brightness(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2 has it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_figures_can_be_taken_away(browser: Browser, written: Path) -> None:
    browser.open(written)
    saved = (
        "const tell = arguments[1]; URL.createObjectURL = (blob) => { blob.text().then(tell); return 'blob:nothing'; };"
        "HTMLAnchorElement.prototype.click = () => {}; arguments[0].click()"
    )
    (button,) = browser.find("#figure-scores button[data-svg]")
    svg = browser.driver.execute_async_script(saved, button)
    assert svg.startswith("<svg")
    assert 'xmlns="http://www.w3.org/2000/svg"' in svg
    assert "currentColor" not in svg
    (link,) = browser.find("#figure-scores a[download]")
    assert link.get_attribute("download") == "scores.csv"
    assert link.get_attribute("href").startswith("data:text/csv")


def test_drawings_say_what_they_are(browser: Browser, written: Path) -> None:
    browser.open(written)
    names = "return [...document.querySelectorAll('#figures [role=img]')].map(one => one.getAttribute('aria-label'))"
    still = browser.ask(names)
    browser.enliven()
    assert browser.ask(names) == still
    assert len(still) == len(browser.find("#figures figure"))
    assert all(still)


def test_it_stands_without_its_script(browser: Browser, written: Path, tmp_path: Path) -> None:
    """Figures are there before anything is run, as they are on paper."""
    bare = re.sub(r"<script>.*?</script>", "", written.read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "bare.html").write_text(bare, encoding="utf-8")
    browser.open(tmp_path / "bare.html")
    assert len(browser.find("#figures .drawing svg")) == len(browser.find("#figures figure"))
    assert browser.complaints() == []


def test_references_within_drawings_are_their_own(browser: Browser, written: Path) -> None:
    browser.open(written)
    one_by_one = browser.find(".drawing[data-specification]")[0]
    browser.ask("arguments[0].scrollIntoView()", one_by_one)
    until(lambda: browser.ask("return arguments[0].dataset.live !== undefined", one_by_one))
    ids = browser.ask("return [...document.querySelectorAll('[id]')].map(one => one.id)")
    assert sorted(set(ids)) == sorted(ids)
