"""The templates of our pages, below those of JupyterHub and of the site.

A site overrides a template through `c.JupyterHub.template_paths`, and extends ours under the prefix
`yarnspawner/`, as `templates/` is JupyterHub's own.
"""

from __future__ import annotations

from functools import lru_cache

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, PrefixLoader

PREFIX = "yarnspawner"


@lru_cache(maxsize=4)
def with_ours(hub_templates: Environment) -> Environment:
    """Return JupyterHub's templates, and ours below the site's own."""
    ours = ChoiceLoader([PackageLoader("yarnspawner.profiles"), PackageLoader("yarnspawner.hub")])
    loaders: list[BaseLoader] = [ours, PrefixLoader({PREFIX: ours})]
    if hub_templates.loader is not None:
        loaders.insert(0, hub_templates.loader)
    # Escaped whatever c.JupyterHub.jinja_environment_options sets.
    return hub_templates.overlay(loader=ChoiceLoader(loaders), autoescape=True)
