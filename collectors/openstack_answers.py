"""Answers that two readers of one region need and that are asked for once, while both get on with their own listing."""

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

PARALLEL = 2
"""Questions at once: they run beside a listing, which should not wait for them."""


class SharedAnswers(Generic[Key, Answer]):
    """Asked for when the first reader comes; what nobody waits for any more is not asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: dict[Key, Future[Answer]] = {}
        self._readers = 0
        self._pool: ThreadPoolExecutor | None = None

    @contextmanager
    def asked(self, keys: Sequence[Key], ask: Callable[[Key], Answer]) -> Iterator[Mapping[Key, Future[Answer]]]:
        """The answers as they come, in the order of the keys. What `ask` raises, the future of that key raises."""
        with self._lock:
            self._readers += 1
            pool = self._pool = self._pool or ThreadPoolExecutor(PARALLEL, thread_name_prefix="answers")
            for key in keys:
                known = self._futures.get(key)
                if known is None or known.cancelled():
                    self._futures[key] = pool.submit(ask, key)
            futures = {key: self._futures[key] for key in keys}
        try:
            yield futures
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._readers -= 1
            pool = self._pool
            if self._readers or pool is None:
                return
            self._pool = None
        pool.shutdown(wait=False, cancel_futures=True)
