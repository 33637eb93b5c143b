"""Answers that two readers of one region need and that are asked for once, while both get on with their own listing."""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future
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
        self._waiting: deque[tuple[Key, Callable[[Key], Answer]]] = deque()
        self._readers = 0
        self._workers = 0

    @contextmanager
    def asked(self, keys: Sequence[Key], ask: Callable[[Key], Answer]) -> Iterator[Mapping[Key, Future[Answer]]]:
        """The answers as they come, in the order of the keys. What `ask` raises, the future of that key raises."""
        with self._lock:
            self._readers += 1
            for key in keys:
                if key not in self._futures:
                    self._futures[key] = Future()
                    self._waiting.append((key, ask))
            futures = {key: self._futures[key] for key in keys}
            while self._workers < min(PARALLEL, len(self._waiting)):
                self._workers += 1
                # A daemon holds no program that has ended: a service that has fallen silent may be left alone.
                threading.Thread(target=self._work, name="yunhe-openstack-answers", daemon=True).start()
        try:
            yield futures
        finally:
            self._leave()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._workers -= 1
                    return
                key, ask = self._waiting.popleft()
                future = self._futures[key]
            try:
                answer = ask(key)
            except BaseException as error:  # noqa: BLE001 - told by whoever waits for the answer
                future.set_exception(error)
            else:
                future.set_result(answer)

    def _leave(self) -> None:
        with self._lock:
            self._readers -= 1
            if not self._readers:
                for key, _ in self._waiting:
                    del self._futures[key]  # nobody holds it; who comes later asks anew
                self._waiting.clear()
