"""The guide for users, at `/hub/yarn/guide`. JupyterLab shows the same text in its Help menu."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jupyterhub.handlers.base import BaseHandler
from markdown_it import MarkdownIt
from tornado import web

from yarnspawner.templates import with_ours


@cache
def guide_html() -> str:
    """Return the guide as HTML."""
    text = files("yarnspawner.lab").joinpath("guide.md").read_text()
    html = MarkdownIt("commonmark").enable("table").render(text)
    return html.replace("<table>", '<table class="table">')


class GuidePage(BaseHandler):
    """Shows the guide, and where users find help."""

    @web.authenticated
    async def get(self) -> None:
        """Answer with the page."""
        template = with_ours(self.settings["jinja2_env"]).get_template("yarn_guide.html")
        self.finish(
            await template.render_async(
                **self.template_namespace,
                guide=guide_html(),
                help_url=getattr(self.current_user.spawner, "help_url", ""),
            )
        )


HANDLERS = [(r"/yarn/guide", GuidePage)]
