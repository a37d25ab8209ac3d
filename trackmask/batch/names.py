"""File names as strangers give them: with newlines, escape codes, bytes that are no text."""

import os
from pathlib import Path


def shown(name: str | bytes | os.PathLike) -> str:
    """A path on one line that any terminal and any file can take; what cannot be shown stands as \\x0a, \\udcff."""
    text = os.fsdecode(name)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def absolute(path: Path) -> Path:
    """Without . and .., and without following links."""
    return Path(os.path.normpath(Path.cwd() / path))
