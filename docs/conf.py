"""How Sphinx makes the site of these pages: `sphinx-build -W docs docs/_build`.

The pages read as well where they are, on a code host. So they link to files beside docs/, which the
site shows as pages of its own.
"""

from __future__ import annotations

from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "yarnhub"
author = "The yarnhub developers"
copyright = author
version = release = version_of("yarnhub")
extensions = ["myst_parser", "jupyterhub_sphinx_theme"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # links to headings, as code hosts have them
nitpicky = True
smartquotes = False  # a sentence of the program is found as it is
html_theme = "jupyterhub_sphinx_theme"
html_title = "yarnhub"
html_theme_options = {"icon_links": []}
html_static_path: list[str] = []
html_copy_source = False

#: Files beside docs/, and the pages that include them.
_OUTSIDE = {"../SECURITY.md": "security.md", "../CHANGELOG.md": "changelog.md"}


def setup(app: Sphinx) -> None:
    """Lead links to files outside to the pages that include them."""
    app.connect("source-read", _lead_inside)


def _lead_inside(app: Sphinx, page: str, source: list[str]) -> None:
    for outside, inside in _OUTSIDE.items():
        source[0] = source[0].replace(f"]({outside}", f"]({inside}")
