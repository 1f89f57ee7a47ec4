"""Headless Chromium for tests of pages, through Debian's own driver."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
)


@contextlib.contextmanager
def chromium(width: int, height: int, *, dark: bool = False) -> Iterator[webdriver.Chrome]:
    """A browser whose page has ``width`` by ``height`` pixels, like a phone's or a desktop's."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            yield driver
        finally:
            driver.quit()


def open_page(driver: webdriver.Chrome, page: Path) -> None:
    """Open a page from the disk and wait until its pictures and fonts are there."""
    driver.get(page.as_uri())
    driver.set_script_timeout(20)
    driver.execute_async_script(
        "const done = arguments[0];"
        "for (const one of document.images) one.loading = 'eager';"
        "Promise.all([document.fonts.ready, ...[...document.images].map((one) => one.decode())]).then(() => done())"
    )
