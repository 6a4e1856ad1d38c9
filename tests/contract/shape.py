"""What the shape budgets look for in one source file; `test_shape.py` applies it to the tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
UNSTEADY_MODULES = frozenset({"random", "secrets", "time", "uuid", "uuid6"})
LOG_LEVELS = frozenset({"debug", "info", "warning", "error", "exception"})
UNSTEADY_CALLS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Breach:
    """One broken rule: `where` is `file:line`, `key` is what an allow-list entry would name."""

    rule: str
    where: str
    key: str
    detail: str

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}: {self.detail}"


def breaches(name: str, source: str) -> list[Breach]:
    """All breaches of the file `name` (relative to the repository, with `/`)."""
    path = PurePosixPath(name)
    found = [*_too_long(path, source)]
    tree = ast.parse(source, filename=name)
    found += _long_functions(path, tree)
    found += _swallowed(path, tree)
    if path.parts[0] in ("hub", "plugins"):
        found += _inner_imports(path, tree)
        found += _loose_signatures(path, tree)
        found += _unsteady(path, tree)
        found += _unfinished(path, tree)
    return found


def _breach(rule: str, path: PurePosixPath, line: int, what: str, detail: str) -> Breach:
    return Breach(rule, f"{path}:{line}", f"{path}:{what}", detail)


def _too_long(path: PurePosixPath, source: str) -> Iterator[Breach]:
    lines = len(source.splitlines())
    if lines > MAX_FILE_LINES:
        yield _breach("file", path, 1, "file", f"{lines} lines, at most {MAX_FILE_LINES}: split it by what it does")


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _long_functions(path: PurePosixPath, tree: ast.AST) -> Iterator[Breach]:
    for node in _functions(tree):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > MAX_FUNCTION_LINES:
            detail = f"{node.name} has {lines} lines, at most {MAX_FUNCTION_LINES}"
            yield _breach("function", path, node.lineno, node.name, detail)


def _swallowed(path: PurePosixPath, tree: ast.AST) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(step, ast.Pass) for step in node.body):
            yield _breach("swallowed", path, node.lineno, "except", "an exception is dropped without a word")


def _may_import_late(path: PurePosixPath) -> bool:
    """Lazy commands, and optional extras where the SDK allows them."""
    name = str(path)
    return name.startswith(("hub/cli/", "hub/sdk/readers")) or (path.parts[0] == "plugins" and path.name == "client.py")


def _inner_imports(path: PurePosixPath, tree: ast.AST) -> Iterator[Breach]:
    if _may_import_late(path):
        return
    for function in _functions(tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield _breach("import", path, node.lineno, function.name, f"import inside {function.name}")


def _loose_signatures(path: PurePosixPath, tree: ast.AST) -> Iterator[Breach]:
    for node in _functions(tree):
        if node.name in LOG_LEVELS and node.args.kwarg is not None and node.args.kwarg.arg == "fields":
            continue  # a structured log line names its fields as it goes
        if node.args.kwarg is not None and not node.name.startswith("_"):
            detail = f"{node.name} takes **{node.args.kwarg.arg}: name its arguments"
            yield _breach("kwargs", path, node.lineno, node.name, detail)


def _unsteady(path: PurePosixPath, tree: ast.AST) -> Iterator[Breach]:
    if path.parts[:2] == ("hub", "kit"):
        return
    for node in ast.walk(tree):
        for module in _imported(node):
            if module in UNSTEADY_MODULES:
                yield _breach("unsteady", path, node.lineno, module, f"{module} belongs to hub.kit")  # type: ignore[attr-defined]
        if isinstance(node, ast.Call) and _tail(node.func) in UNSTEADY_CALLS:
            called = _tail(node.func)
            yield _breach("unsteady", path, node.lineno, called, f"{called}(): take the time from the clock")


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module.split(".")[0]]
    return []


def _tail(function: ast.expr) -> str:
    """The last two names of what is called: `datetime.datetime.now` -> `datetime.now`."""
    return ".".join(ast.unparse(function).split(".")[-2:])


def _unfinished(path: PurePosixPath, tree: ast.AST) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.unparse(node.exc):
            yield _breach("unfinished", path, node.lineno, "NotImplementedError", "raises NotImplementedError")
