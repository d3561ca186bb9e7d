"""Work on very many records without Python's search for cycles, which looks at all of them again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Cycles wait until the work is done: records have none, and looking for them costs half of the time.

    Memory is given back as ever, by counting. Also a decorator.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
