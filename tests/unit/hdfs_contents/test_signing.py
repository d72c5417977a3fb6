"""Signing notebooks in any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook

from hdfs_contents.signing import make_thread_safe


def test_a_notary_signs_and_checks_in_many_threads_at_once(tmp_path: Path) -> None:
    notary = make_thread_safe(NotebookNotary(data_dir=str(tmp_path)))
    notebooks = [new_notebook(cells=[new_code_cell(str(number))]) for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(notary.sign, notebooks))
        assert all(threads.map(notary.check_signature, notebooks))
        list(threads.map(notary.unsign, notebooks))
        assert not any(threads.map(notary.check_signature, notebooks))


def test_signatures_are_where_another_notary_finds_them(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("1")])
    notary = make_thread_safe(NotebookNotary(data_dir=str(tmp_path)))
    notary.sign(notebook)
    notary.store.close()
    assert NotebookNotary(data_dir=str(tmp_path)).check_signature(notebook)


def test_a_recreated_store_is_thread_safe_too(tmp_path: Path) -> None:
    notary = make_thread_safe(NotebookNotary(data_dir=str(tmp_path)))
    notary.store = notary.store_factory()
    notebook = new_notebook()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(notary.sign, notebook).result()
    assert notary.check_signature(notebook)
