"""Opens the service's pages in this user's browser, where there is one."""

import os
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path

from fewpairs.credentials import write_private

PAGE = "open.html"
"""Leads the browser to the address with the token, which as an argument of its program others could read."""


def open_pages(data: Path, address: str) -> None:
    """Open the address if this is a terminal of a desktop; otherwise the user opens what is printed."""
    has_desktop = sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if not (sys.stdout.isatty() and has_desktop):
        return
    page = data / PAGE
    write_private(page, f'<!doctype html><meta http-equiv="refresh" content="0; url={address}">')
    with suppress(webbrowser.Error):
        webbrowser.open(page.as_uri())
