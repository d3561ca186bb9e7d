"""Work on very many records without Python's cyclic garbage collector, which scans all of them repeatedly."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the cyclic garbage collector: records have no cycles, and looking for them costs half of the time.

    Reference counting frees memory as usual. Also works as a decorator.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
