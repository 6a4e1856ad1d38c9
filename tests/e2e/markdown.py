"""What the documentation tests read from Markdown: fenced blocks and the marks before them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers import REPOSITORY

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
SHELLS = frozenset({"console", "bash", "sh", "shell"})


@dataclass(frozen=True)
class Block:
    """One fenced block: `mark` is the comment on the line before it."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def where(self) -> str:
        """The place, for messages."""
        return f"{self.page}:{self.line}"

    def commands(self) -> list[list[str]]:
        """The command lines of a shell block; in `console` those after `$`, else all that are not comments."""
        joined = self.text.replace("\\\n", " ")
        lines = (line.strip() for line in joined.splitlines())
        if self.language == "console":
            lines = (line[2:] for line in lines if line.startswith("$ "))
        return [shlex.split(line, comments=True) for line in lines if line and not line.startswith("#")]


def pages() -> list[Path]:
    """Every Markdown page of the project."""
    folders = (REPOSITORY, *(REPOSITORY / name for name in ("docs", "plugins", "examples", "bench", "changelog.d")))
    found = {*REPOSITORY.glob("*.md")}
    for folder in folders[1:]:
        found |= set(folder.rglob("*.md"))
    return sorted(found)


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text("utf-8")
    name = page.relative_to(REPOSITORY).as_posix()
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        yield Block(name, line, match["language"], match["mark"] or "", match["text"])
