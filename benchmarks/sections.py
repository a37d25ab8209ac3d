"""A section of a page that several scripts and people write."""

import re
from pathlib import Path


def put_section(page: Path, text: str) -> None:
    """In place of the one with the same heading, the text's first line; at the end of the page where there is none. It
    ends before the next heading of its own rank or a higher one.
    """
    heading, _, _ = text.partition("\n")
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    ahead, _, behind = before.partition(f"{heading}\n")
    rank = len(heading) - len(heading.lstrip("#"))
    after = re.search(rf"^#{{1,{rank}}} ", behind, re.MULTILINE)
    parts = (ahead.strip(), text.strip(), behind[after.start() :].strip() if after else "")
    page.write_text("\n\n".join(filter(None, parts)) + "\n", encoding="utf-8")
