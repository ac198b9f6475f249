"""What axe-core finds on a page."""

from playwright.sync_api import Page

from tests.pages import ROOT

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[tuple[str, str]]:
    """Where the page breaks a rule of accessibility, in light and in dark: the rule and the element."""
    page.evaluate(AXE.read_text())
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        broken = page.evaluate("axe.run().then(result => result.violations)")
        found += [(f"{scheme}: {each['id']}", each["nodes"][0]["html"]) for each in broken]
    return found
