"""A browser without a window, as tests and benchmarks of the page see it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SETTINGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage")


class Browser:
    """Chromium at a width, in light or dark."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, file: Path, *, width: int = 1280, scheme: str = "light") -> None:
        """Open a page anew."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        look = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", look)
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(file.as_uri())

    def ask(self, script: str, *given: Any) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script, *given)

    def find(self, selector: str) -> list[Any]:
        """Return elements by a CSS selector."""
        found: list[Any] = self.driver.find_elements("css selector", selector)
        return found

    def complaints(self) -> list[str]:
        """Return the errors on the console since a page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since a page was opened."""
        told = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"]

    def enliven(self) -> list[str]:
        """Look at every figure until it is live, and return which."""
        names = []
        for drawing in self.find(".drawing[data-specification]"):
            self.ask("arguments[0].scrollIntoView()", drawing)
            until(lambda drawing=drawing: self.ask("return arguments[0].dataset.live !== undefined", drawing))
            names.append(self.ask("return arguments[0].closest('figure').id", drawing))
        return names


def until(true: Callable[[], Any], seconds: float = 20) -> Any:
    """Return what a function returns once that is something."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found


@contextmanager
def started() -> Iterator[Browser]:
    """Start Chromium with the driver that is installed: no other one is ever fetched.

    Raises:
        LookupError: either is not installed.
    """
    from selenium import webdriver

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver_path = shutil.which("chromedriver")
    if chromium is None or driver_path is None:
        raise LookupError("no Chromium with its driver is installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for setting in SETTINGS:
        options.add_argument(setting)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_path))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
