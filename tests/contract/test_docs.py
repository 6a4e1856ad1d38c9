"""The documentation is true: generated pages are fresh, hooks are documented and used, links lead somewhere."""

import inspect
import re
import subprocess
from pathlib import Path

import pytest

from docs import generate
from hub.sdk.hooks import HubSpecs
from tests.e2e.markdown import BLOCK, pages
from tests.peers import REPOSITORY

HOOKS = sorted(name for name in vars(HubSpecs) if name.startswith("hub_"))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
TEXT = frozenset({".md", ".py", ".toml", ".txt", ".yml", ".yaml", ".html", ".mako", ".sh", ".cfg", ".json", ""})
# spelled in pieces, so that this file does not contain what it forbids
FORBIDDEN = {
    "a machine's path": re.compile(r"(?<![\w.~$}])/(?:work|root|tm" + r"p)/"),
    "a package registry's address": re.compile(
        r"(?:pyp" + r"i|pythonhost" + r"ed|npm" + r"js|registry\.npm)[\w.]*\.(?:org|com)"
    ),
    "an issue number": re.compile(r"(?i)\b(?:issue|ticket|PR)s?\s+#?\d+\b|(?<=[\s(])#\d+\b(?=\s*(?:fix|clos|resolv))"),
}


def project_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := REPOSITORY / name).is_file()]


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_pages_are_fresh(name: str) -> None:
    path = generate.REFERENCE / f"{name}.md"
    assert path.is_file(), f"run: make docs (it writes {path.name})"
    assert path.read_text("utf-8") == generate.render(name), f"{path.name} is out of date, run: make docs"


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_is_documented_with_its_signature(name: str) -> None:
    page = (REPOSITORY / "docs" / "reference" / "hooks.md").read_text("utf-8")
    section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
    parameters = list(inspect.signature(getattr(HubSpecs, name)).parameters.values())[1:]
    arguments = ", ".join(f"{one.name}: {inspect.formatannotation(one.annotation)}" for one in parameters)
    documented = re.sub(r"\s+", " ", section)
    bare = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", arguments)
    assert f"def {name}({bare}) -> " in documented
    assert inspect.getdoc(getattr(HubSpecs, name)) in section


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_is_used_by_something_in_this_tree(name: str) -> None:
    users = list(generate.implementations(name))
    assert users, f"{name} has no implementation: a hook ships with its first real use"


def test_relative_links_lead_somewhere() -> None:
    broken = []
    for page in pages():
        prose = BLOCK.sub("", page.read_text("utf-8"))
        for match in LINK.finditer(prose):
            target = match[1] or match[2]
            if "://" in target or target.startswith(("mailto:", "#")):
                continue
            path, _, anchor = target.partition("#")
            found = (page.parent / path).resolve()
            if not found.exists():
                broken.append(f"{page.relative_to(REPOSITORY)}: {target}")
            elif anchor and anchor not in anchors(found):
                broken.append(f"{page.relative_to(REPOSITORY)}: {target} (no such heading)")
    assert not broken, "\n".join(broken)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_index() -> None:
    docs = REPOSITORY / "docs"
    seen, waiting = set(), [docs / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.is_relative_to(docs):
            continue
        seen.add(page)
        targets = [(match[1] or match[2]).partition("#")[0] for match in LINK.finditer(page.read_text("utf-8"))]
        waiting += [(page.parent / target).resolve() for target in targets if target and "://" not in target]
    assert {path.relative_to(docs).as_posix() for path in docs.rglob("*.md") if path not in seen} == set()


def test_the_project_speaks_of_itself_only() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {what}: {line.strip()[:120]}"
        for path in project_files()
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1)
        for what, pattern in FORBIDDEN.items()
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a machine's path", "see /work" + "/shared/design"),
        ("a machine's path", 'open("/tm' + 'p/x")'),
        ("a package registry's address", "https://pyp" + "i.org/simple"),
        ("a package registry's address", "https://registry.npm" + "js.org"),
        ("an issue number", "as asked for in issue" + " #12"),
    ],
)
def test_each_forbidden_text_is_seen(what: str, line: str) -> None:
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(line)] == [what]


@pytest.mark.parametrize("line", ["GET /api/orders", "$HOME/work/x", "var/tmp/x", "order #1001", "a framework/root/x"])
def test_ordinary_text_is_not_forbidden(line: str) -> None:
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(line)] == []
