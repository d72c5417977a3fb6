"""A notebook notary that any thread may use.

Signing a notebook of some megabytes takes long enough to belong in a thread, but the SQLite store
of nbformat may be used in the one thread only in which it was made. So the store gets a thread of
its own, and the rest of the notary's work is done wherever it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from nbformat.sign import NotebookNotary, SignatureStore


class ThreadBoundStore(SignatureStore):
    """A signature store that lives in one thread, in which all calls to it are made."""

    def __init__(self, factory: Callable[[], SignatureStore]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="signatures")
        self._store = self._thread.submit(factory).result()

    def store_signature(self, digest: str, algorithm: str) -> None:
        self._thread.submit(self._store.store_signature, digest, algorithm).result()

    def check_signature(self, digest: str, algorithm: str) -> bool:
        return self._thread.submit(self._store.check_signature, digest, algorithm).result()

    def remove_signature(self, digest: str, algorithm: str) -> None:
        self._thread.submit(self._store.remove_signature, digest, algorithm).result()

    def close(self) -> None:
        self._thread.submit(self._store.close).result()
        self._thread.shutdown()


def make_thread_safe(notary: NotebookNotary) -> NotebookNotary:
    """Give the notary such a store, instead of the one that this thread has made for it."""
    factory = notary.store_factory
    notary.store.close()
    notary.store_factory = lambda: ThreadBoundStore(factory)
    notary.store = notary.store_factory()
    notary.secret  # noqa: B018 (made now, once: two threads would make two of them)
    return notary
