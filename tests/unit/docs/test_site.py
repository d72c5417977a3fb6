"""The site is made of the pages without a warning, and no link in it leads nowhere."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    built = subprocess.run(
        [*command, "--doctree-dir", folder / "doctrees", ROOT / "docs", folder / "html"],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


class Page(HTMLParser):
    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors, self.targets = {""}, set[str]()
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors.add(values.get("id") or "")
        self.targets.add(values.get("href" if tag in ("a", "link") else "src") or "")


def test_every_page_is_on_the_site(site: Path):
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {page.stem for page in site.glob("*.html")}


def test_no_link_on_the_site_leads_nowhere(site: Path):
    pages = {file: Page(file) for file in site.glob("*.html")}
    broken = []
    for file, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            place = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            known = pages[place].anchors if place in pages else {""}
            if not place.exists() or unquote(parts.fragment) not in known:
                broken.append(f"{file.name}: {target}")
    assert broken == []
    assert sum(len(page.targets) for page in pages.values()) > 500
