"""How Sphinx builds the site: `sphinx-build -W docs docs/_build`.

The pages can also be read on a code host. There they link to files outside docs/ and show the
diagram as an image.
"""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

project = "yarnhub"
author = "The yarnhub developers"
copyright = author
version = release = version_of("yarnhub")
extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # links to headings, as code hosts have them
nitpicky = True
smartquotes = False  # a message of the program is found as it is
html_theme = "pydata_sphinx_theme"
html_title = "yarnhub"
html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["yarnhub.css"]
html_copy_source = False
html_sidebars = {"**": ["sidebar-nav-bs"], "tutorial": [], "troubleshooting": []}
html_theme_options = {
    "logo": {
        "text": "yarnhub",
        "alt_text": "yarnhub",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
    },
    "navbar_align": "left",
    "search_bar_text": "Search options, commands and messages",
    "show_toc_level": 2,  # each option and each symptom is a heading of this level
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_exclude = ".linenos, .gp, .go"  # a prompt and the output are not copied

#: Files outside docs/, and the pages that include them.
_OUTSIDE = {
    "../SECURITY.md": "security.md",
    "SECURITY.md": "security.md",  # in what is included from README.md
    "../CHANGELOG.md": "changelog.md",
}
#: Drawn in the page instead of as an image, so that its colours follow the theme of the site.
_DIAGRAM = "flow.svg"


class InlineDiagram(SphinxPostTransform):
    """Put the diagram into the page."""

    default_priority = 5
    formats = ("html",)

    def run(self) -> None:
        """Replace each image of the diagram."""
        for image in list(self.document.findall(nodes.image)):
            if image["uri"] == _DIAGRAM:
                drawing = (Path(self.app.srcdir) / _DIAGRAM).read_text()
                html = f'<div class="diagram">{drawing}</div>'
                image.replace_self(nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> None:
    """Connect the functions below."""
    app.connect("source-read", _link_inside)
    app.connect("include-read", _link_included)
    app.connect("html-page-context", _shorten_contents)
    app.add_post_transform(InlineDiagram)


def _link_inside(app: Sphinx, page: str, source: list[str]) -> None:
    """Point links to files outside docs/ to the pages that include them."""
    for outside, inside in _OUTSIDE.items():
        source[0] = source[0].replace(f"]({outside}", f"]({inside}")


def _link_included(app: Sphinx, path: Path, page: str, source: list[str]) -> None:
    """Do the same in a text that a page includes."""
    _link_inside(app, page, source)


def _shorten_contents(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave `c.YarnSpawner.` out of the contents next to the page: its lines are short."""
    if page == "reference":
        context["toc"] = re.sub(r">c\.\w+\.(\w+)</a>", r">\1</a>", context["toc"])
