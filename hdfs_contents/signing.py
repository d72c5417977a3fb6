"""Makes a notebook notary usable from any thread.

Signing a notebook of some megabytes is slow and belongs in a worker thread, but nbformat's SQLite
store may be used only in the thread that created it. The store therefore has its own thread.
The rest of the notary's work is done in the calling thread.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from nbformat.sign import NotebookNotary, SignatureStore


class ThreadBoundStore(SignatureStore):
    """A signature store that is created and called in its own thread."""

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
    """Replace the notary's store with one that any thread may call; return the notary."""
    if isinstance(notary.store, ThreadBoundStore):
        return notary
    factory = notary.store_factory
    notary.store.close()
    notary.store_factory = lambda: ThreadBoundStore(factory)
    notary.store = notary.store_factory()
    # Reading the secret creates it. Two threads that read it first would create two.
    _ = notary.secret
    return notary
