"""What a person does in JupyterLab, by what is seen on the page."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Literal

from playwright.sync_api import Locator, Page, expect

ACTION_TIMEOUT_MS = 90_000
START_TIMEOUT_MS = 240_000

#: The root of alice's files in HDFS.
HOME = "/user/alice/notebooks"

#: A notebook with an empty cell.
PLAN = {
    "cells": [
        {
            "cell_type": "code",
            "id": "one",
            "source": "",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        },
    ],
    "metadata": {
        "kept": True,
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}

#: The widths of a screen and a telephone, by day and by night.
LOOKS: list[tuple[int, Literal["light", "dark"]]] = [
    (1100, "light"),
    (1100, "dark"),
    (390, "light"),
    (390, "dark"),
]

#: The token of the idle culler.
CULLER_TOKEN = secrets.token_hex(16)


def choose(page: Page, profile: str, **fields: str) -> None:
    """Choose a profile and fill in its fields."""
    page.get_by_label(profile, exact=True).check()
    card = page.locator(".yarn-profile", has=page.get_by_label(profile, exact=True))
    for label, value in fields.items():
        control = card.get_by_label(label.capitalize(), exact=True)
        if control.evaluate("control => control.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)


def start(page: Page) -> None:
    """Press the form's button and wait for JupyterLab."""
    page.get_by_role("button", name="Start", exact=True).click()
    wait_for_lab(page)


def go_home(page: Page) -> None:
    """Open the hub's page with a person's servers, and wait until its buttons do something."""
    page.goto("/hub/home")
    page.wait_for_function("window._jupyterhub_page_loaded")


def wait_for_lab(page: Page) -> None:
    """Wait until JupyterLab is there; it does not ask about news."""
    page.wait_for_selector(".jp-LauncherCard, .jp-Notebook", timeout=START_TIMEOUT_MS)
    expect(page.locator(".Toastify__toast")).to_have_count(0)


def new_notebook(page: Page) -> Locator:
    """Open a new notebook by its card on the launcher; returns it."""
    page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
    return shown_notebook(page)


def open_file(page: Page, name: str) -> None:
    """Open a file by a double click in the list."""
    listed(page, name).dblclick()


def upload(page: Page, *files: Path) -> None:
    """Choose files of this machine by the button of the file browser."""
    with page.expect_file_chooser() as chooser:
        page.locator('[data-command="filebrowser:upload"], [title^="Upload"]').first.click()
    chooser.value.set_files(files)


def listed(page: Page, name: str) -> Locator:
    """A file in the list."""
    return page.locator(".jp-DirListing-item", has=page.get_by_text(name, exact=True))


def shown_notebook(page: Page) -> Locator:
    """Wait for the notebook in front, with its kernel; returns it."""
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=START_TIMEOUT_MS)
    return notebook


def write_cell(page: Page, notebook: Locator, code: str) -> None:
    """Put code into the last cell."""
    notebook.locator(".jp-Cell .cm-content").last.click()
    page.keyboard.insert_text(code)


def save_as(page: Page, name: str) -> None:
    """Save a new notebook, and give it the name that JupyterLab asks for."""
    page.keyboard.press("Control+s")
    page.get_by_placeholder("File name").fill(name)
    page.keyboard.press("Enter")
    listed(page, name).wait_for()


def save(page: Page) -> None:
    """Save what is in front, and wait until it is."""
    # The tab may not show yet that there is something to save.
    with page.expect_response(
        lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url
    ):
        page.keyboard.press("Control+s")
    saved = page.locator(".lm-DockPanel .lm-TabBar-tab.jp-mod-current:not(.jp-mod-dirty)")
    saved.wait_for()


def rename(page: Page, name: str, other: str) -> None:
    """Give a file of the list another name."""
    listed(page, name).click()
    page.keyboard.press("F2")
    page.locator(".jp-DirListing-editor").fill(other)
    page.keyboard.press("Enter")
    listed(page, other).wait_for()


def menu(page: Page, *path: str) -> None:
    """Choose from the menu bar."""
    first, *others = path
    page.get_by_role("menuitem", name=first, exact=True).first.click()
    for name in others[:-1]:
        page.locator(".lm-Menu-item", has_text=name).first.hover()
    label = page.locator(".lm-Menu-itemLabel:visible").get_by_text(others[-1], exact=True)
    label.first.click()


def look_at(page: Page, pictures: Path, name: str) -> None:
    """See that nothing stands out of the page's width, on a screen and a telephone, by day and by
    night, and take a picture of each."""
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 760})
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        page.screenshot(path=pictures / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
