"""A section of a page that several scripts and people write."""

from pathlib import Path


def put_section(page: Path, text: str) -> None:
    """In place of the one with the same heading, the text's first line; at the end of the page where there is none."""
    heading, _, _ = text.partition("\n")
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    ahead, _, behind = before.partition(f"{heading}\n")
    _, mark, rest = behind.partition("\n## ")
    parts = (ahead.strip(), text.strip(), f"{mark}{rest}".strip())
    page.write_text("\n\n".join(filter(None, parts)) + "\n", encoding="utf-8")
