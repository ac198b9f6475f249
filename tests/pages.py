"""The project's Markdown pages, and their sections and tables."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split()


def page(name: str) -> str:
    return (ROOT / name).read_text()


def anchor(heading: str) -> str:
    """The heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(text: str) -> dict[str, str]:
    """The text under each heading, by the heading's anchor.

    A section ends at the next heading of its own level or above.
    """
    without_code = re.sub(r"```.*?```", lambda code: " " * len(code[0]), text, flags=re.DOTALL)
    headings = list(re.finditer(r"^(#+) (.+)$", without_code, re.MULTILINE))
    found = {}
    for i, heading in enumerate(headings):
        ends = [following.start() for following in headings[i + 1 :] if len(following[1]) <= len(heading[1])]
        found[anchor(heading[2])] = text[heading.end() : ends[0] if ends else None]
    return found


def table_rows(text: str) -> list[list[str]]:
    """The cells of every table line."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
