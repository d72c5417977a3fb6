from __future__ import annotations

import pytest

from yarnspawner.lab.guard import KernelEnd
from yarnspawner.lab.sentences import kernel_end
from yarnspawner.launch.amounts import memory_text

MIB, GIB = 1 << 20, 1 << 30


def test_the_sentence_says_which_kernel_why_and_what_to_do() -> None:
    end = KernelEnd(0.0, "an-id", GIB + GIB // 2, 2 * GIB - 60 * MIB, 2 * GIB)
    assert kernel_end(end, "work/report.ipynb") == (
        "The kernel of work/report.ipynb was ended, because it used 1.5 GiB of the server's 2 GiB "
        "of memory. 1.9 GiB were in use in all. The values of its variables are lost. Load less "
        "data at once, or start the server with more memory."
    )


@pytest.mark.parametrize(
    ("kernel", "title", "begin"),
    [("an-id", "", "A kernel was"), ("", "", "A program was")],
)
def test_a_kernel_without_a_notebook_and_a_program_are_named(
    kernel: str, title: str, begin: str
) -> None:
    end = KernelEnd(0.0, kernel, GIB, GIB, GIB)
    assert kernel_end(end, title).startswith(begin)
    assert ("variables" in kernel_end(end, title)) == bool(kernel)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 MiB"), (500 * MIB, "500 MiB"), (GIB, "1 GiB"), (3 * GIB // 2, "1.5 GiB")],
)
def test_amounts_are_in_the_users_units(size: int, text: str) -> None:
    assert memory_text(size) == text
