"""The site is made of the pages without a warning, and no link in it leads nowhere."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize("name", ["reference", "troubleshooting"])
def test_each_option_and_symptom_has_an_anchor_and_is_in_the_contents_of_its_page(
    site: Path, name: str
):
    headings = re.findall(r"^### (.+)$", (ROOT / "docs" / f"{name}.md").read_text(), re.M)
    html = (site / f"{name}.html").read_text()
    contents = html[html.index('id="pst-page-toc-nav"') :].partition("</nav>")[0]
    linked = re.findall(r'toc-h3[^<]*<a [^>]*href="#([^"]+)"', contents)
    assert len(linked) == len(headings) > 40
    assert all(f'<section id="{anchor}">' in html for anchor in linked)
    # Without this class a list is shown only while its section is being read.
    lists = re.findall(r'<ul class="([^"]*)"', contents)
    assert all("pst-show_toc_level" in classes for classes in lists)


def test_the_guides_are_grouped_by_task_in_the_sidebar(site: Path):
    groups = re.findall(r"^## (.+)$", (ROOT / "docs" / "guides.md").read_text(), re.M)
    html = (site / "gpus.html").read_text()
    assert re.findall(r'<p [^>]*class="caption"[^>]*><span[^>]*>([^<]+)', html) == groups


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("link", ["link", "link-hover", "link-higher-contrast"])
@pytest.mark.parametrize("background", ["background", "on-background", "surface"])
def test_links_are_legible(theme: str, link: str, background: str):
    css = (ROOT / "docs" / "_static" / "yarnhub.css").read_text()
    (block,) = re.findall(rf'html\[data-theme="{theme}"\] {{(.*?)}}', css, re.S)
    colours = dict(re.findall(r"--pst-color-([\w-]+): (#\w{6});", block))
    assert contrast(colours[link], colours[background]) >= 4.5


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2: (lighter + 0.05) / (darker + 0.05), of relative luminances."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2 of an sRGB colour, `#rrggbb`."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
