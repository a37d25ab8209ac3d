"""Tests wait for what is to happen, never for a time in which it should have."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 120.0  # seconds until a test gives up: the machine may be busy with other things, or held still for a while


def until(what: Callable[[], T], is_told: str) -> T:
    """What it gives once that is true; `is_told` says in a few words what was waited for."""
    end = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < end, f"not within {PATIENCE:.0f} s: {is_told}"
        time.sleep(0.02)
    return found
