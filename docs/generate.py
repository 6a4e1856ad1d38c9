"""Writes the reference pages from the code: `make docs`, or `python -m docs.generate hooks errors` for some of them.

A page whose code is missing or broken stops the run with the error: a reference must never be half true. The contract
tests make every page again and compare, so that a change of the code without its page does not pass `make check`.
"""

import ast
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from docs.model_text import cell, default_of, kind_of, model_rows
from docs.reference_metrics import metrics
from docs.reference_rules import rules

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
VERDICTS = {
    "retry": "is tried again later, with growing pauses",
    "park": "is parked: a case for a person",
    "wait_connection": "waits as long as told, with all work of the connection",
    "pause_connection": "waits until the connection is mended and checked",
}
DEMO = "hub.cli.demo"
"""Not a part of the hub that others call: it plays the others."""
METHODS = ("get", "post", "put", "patch", "delete")


def main(names: list[str]) -> None:
    """Write the named pages, or all of them, and say which."""
    unknown = sorted(set(names) - set(PAGES))
    if unknown:
        raise SystemExit(f"No such page: {', '.join(unknown)}. There are {', '.join(PAGES)}.")
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name in names or PAGES:
        path = REFERENCE / f"{name}.md"
        path.write_text(render(name), "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


def render(name: str) -> str:
    """The whole text of one page."""
    title, source, build = PAGES[name]
    head = [f"# {title}", "", f"<!-- Generated from {source} by `make docs`. Change the code, not this page. -->", ""]
    return "\n".join([*head, *build()]).rstrip() + "\n"


# hooks ----------------------------------------------------------------------------------------------------------------


def hooks() -> Iterator[str]:
    """Each hook with its exact signature, then the values that hooks take and give."""
    module = importlib.import_module("hub.sdk.hooks")
    tree = ast.parse(inspect.getsource(module))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    yield "A plugin implements any of these with `@hookimpl` from `hub.sdk.hooks`; none is required. Each call goes"
    yield "implementation by implementation, so that one that fails is reported and the others still count."
    for hook in classes["HubSpecs"].body:
        if isinstance(hook, ast.FunctionDef):
            yield from ["", f"## {hook.name}", "", "```python", signature(hook), "```", "", doc(hook), ""]
            users = sorted(implementations(hook.name))
            yield f"Used by {', '.join(f'`{user}`' for user in users)}." if users else "Used by nothing yet."
    yield from ["", "## Values"]
    for name, node in classes.items():
        if name != "HubSpecs":
            yield from ["", f"### {name}", "", doc(node), "", *fields_of(node)]


def signature(node: ast.FunctionDef) -> str:
    """`name(arguments) -> type` as written, without `self`."""
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
    return f"def {node.name}({arguments}) -> {ast.unparse(node.returns) if node.returns else 'None'}: ..."


def implementations(hook: str) -> Iterator[str]:
    """The packages in this tree that implement a hook."""
    for folder in ("hub", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            if "sdk" not in path.relative_to(ROOT).parts and any(
                node.name == hook and "hookimpl" in map(ast.unparse, node.decorator_list)
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.FunctionDef)
            ):
                yield module_name(path)


def module_name(path: Path) -> str:
    """The dotted name of a source file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def fields_of(node: ast.ClassDef) -> Iterator[str]:
    """A table of a dataclass's fields."""
    yield from ["| field | type | default |", "|---|---|---|"]
    for item in node.body:
        if isinstance(item, ast.AnnAssign):
            default = f"`{cell(ast.unparse(item.value))}`" if item.value else "required"
            yield f"| `{ast.unparse(item.target)}` | `{cell(ast.unparse(item.annotation))}` | {default} |"


# errors ---------------------------------------------------------------------------------------------------------------


def errors() -> Iterator[str]:
    """What plugins raise, then what callers of the API get."""
    module = importlib.import_module("hub.sdk.errors")
    yield "## Raised by plugins"
    yield from ["", "Each is named by what the hub does about it. Import them from `hub.sdk.errors`.", ""]
    yield from ["| raise | work that failed with it | meaning |", "|---|---|---|"]
    verdicts = importlib.import_module("hub.jobs.rules.retry").VERDICTS
    for name, kind in vars(module).items():
        if inspect.isclass(kind) and kind.__module__ == module.__name__:
            verdict = next(verdict for known, verdict in verdicts if issubclass(kind, known))
            yield f"| `{name}` | {VERDICTS[verdict]} | {cell(plain(kind.__doc__))} |"
    yield f"| anything else | {VERDICTS['park']} | A bug: logged with its traceback; others are untouched. |"
    yield from ["", "## What to do about work that failed", ""]
    yield "`hub jobs show ID`, `advice` of `/v1/jobs` and the case of a parked job say the same."
    yield from ["", "| error class | advice |", "|---|---|"]
    advice = importlib.import_module("hub.jobs.rules.advice")
    yield from (f"| `{name}` | {cell(text)} |" for name, text in advice.ADVICE.items())
    yield f"| another | {advice.OTHER} |"
    yield from ["", "## Seen by callers of the API", ""]
    yield "Problems are `application/problem+json` (RFC 9457): `status`, `code`, `detail`, and the members named here."
    yield from ["", "| error | where it is made | meaning |", "|---|---|---|"]
    import_all("hub")
    known = subclasses(importlib.import_module("hub.kit.errors").HubError)
    for kind in sorted(known, key=lambda kind: kind.__name__):
        if not kind.__module__.startswith(DEMO):
            yield f"| `{kind.__name__}` | `{kind.__module__}` | {cell(plain(kind.__doc__))} |"
    yield from ["", "### Codes", "", "| code | status | raised in |", "|---|---|---|"]
    for code, status, places in problem_codes():
        yield f"| `{code}` | {status} | {', '.join(f'`{place}`' for place in places)} |"


def problem_codes() -> list[tuple[str, str, list[str]]]:
    """Every literal code in the tree: the code, its status, the modules that raise it."""
    known = {kind.__name__: kind for kind in subclasses(importlib.import_module("hub.kit.errors").HubError)}
    found: dict[str, tuple[str, set[str]]] = {}
    for path in sorted((ROOT / "hub").rglob("*.py")):
        if module_name(path).startswith(DEMO):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (made := problem(node, known)):
                code, status = made
                found.setdefault(code, (status, set()))[1].add(module_name(path))
    return [(code, status, sorted(places)) for code, (status, places) in sorted(found.items())]


def problem(node: ast.Call, known: dict[str, type]) -> tuple[str, str] | None:
    """The code and status of a problem that a call makes, if it makes one with literal values."""
    name = ast.unparse(node.func).rsplit(".", 1)[-1]
    values = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
    if name in ("HubError", "problem_response") and len(values) > 1 and isinstance(values[1], str):
        return values[1], str(values[0])
    if name == "NotFound" and values and isinstance(values[0], str):
        return f"{values[0]}_not_found", "404"
    if name in known and values and isinstance(values[0], str) and values[0].isidentifier():
        return values[0], status_of(known[name])
    return None


def status_of(kind: type) -> str:
    """The status that an error class passes on."""
    for base in kind.__mro__:
        if "__init__" in vars(base):
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base)))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__" and node.args:
                    return ast.unparse(node.args[0])
    return "?"


def subclasses(kind: type) -> Iterator[type]:
    """All classes below one, each once."""
    below: type
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)


# settings -------------------------------------------------------------------------------------------------------------


def settings() -> Iterator[str]:
    """The process's settings, then the settings of a connection for each plugin."""
    model = importlib.import_module("hub.kit.settings").Settings
    prefix = model.model_config["env_prefix"]
    yield "## The process"
    yield from ["", "Environment variables; all have defaults. `hub` reads them once, at start.", ""]
    yield from ["| variable | type | default | meaning |", "|---|---|---|---|"]
    for name, info in model.model_fields.items():
        yield f"| `{prefix}{name.upper()}` | {kind_of(info)} | {default_of(info)} | {cell(info.description or '')} |"
    for adapter in adapters():
        yield from ["", f"## Plugin `{adapter.manifest.id}` ({adapter.manifest.kind})", ""]
        yield from [
            cell(plain(adapter.settings_model.__doc__)),
            "",
            "| setting | type | default | meaning |",
            "|---|---|---|---|",
        ]
        yield from model_rows(adapter.settings_model)


def adapters() -> Iterator[Any]:
    """The adapters of every plugin in this tree, by kind and name."""
    for path in sorted((ROOT / "plugins").glob("*/*/__init__.py")):
        module = importlib.import_module(module_name(path))
        for hook in ("hub_channels", "hub_carriers", "hub_erps"):
            if hasattr(module, hook):
                yield from getattr(module, hook)()


# events ---------------------------------------------------------------------------------------------------------------


def events() -> Iterator[str]:
    """Every event that the tree publishes, and who is told."""
    table = importlib.import_module("hub.flows.subscriptions").SUBSCRIPTIONS
    listeners: dict[str, list[str]] = {}
    for subscription in table:
        listeners.setdefault(subscription.event, []).append(subscription.handler)
    yield "An event is committed with the change that caused it and becomes one job for each handler below it."
    yield from ["", "| event | published by | handled by |", "|---|---|---|"]
    sources = published()
    for kind in sorted({*sources, *listeners}):
        made = ", ".join(f"`{name}`" for name in sorted(sources.get(kind, ())))
        told = ", ".join(f"`{name}`" for name in listeners.get(kind, ()))
        yield f"| `{kind}` | {made} | {told} |"


def published() -> dict[str, set[str]]:
    """Event kinds by the modules whose code makes them."""
    makers: dict[str, tuple[set[str], set[str]]] = {}
    for path in (ROOT / "hub").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Event"]
        if calls:
            name = module_name(path)
            values = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "kind"]
            texts = {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            makers[name] = ({kind for value in values if (kind := constant(name, value))}, texts)
    every = {kind for kinds, _ in makers.values() for kind in kinds}
    every |= {entry.event for entry in importlib.import_module("hub.flows.subscriptions").SUBSCRIPTIONS}
    found: dict[str, set[str]] = {}
    for name, (kinds, texts) in makers.items():
        for kind in kinds | (every & texts):
            found.setdefault(kind, set()).add(name)
    return found


def constant(module: str, value: ast.expr) -> str | None:
    """The text of a literal, or of a constant of the module; None for what is known only when it runs."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    known = getattr(importlib.import_module(module), value.id, None) if isinstance(value, ast.Name) else None
    return known if isinstance(known, str) else None


# command line ---------------------------------------------------------------------------------------------------------


def cli() -> Iterator[str]:
    """Every command of `hub` with its arguments and options."""
    command = importlib.import_module("hub.cli.main").main
    yield from commands(command, click.Context(command, info_name="hub"))


def commands(command: click.Command, context: click.Context) -> Iterator[str]:
    """A command, then those below it."""
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from ["", f"## `{context.command_path}`", "", plain(command.help or command.short_help), ""]
    yield f"    {context.command_path} {pieces}".rstrip()
    options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
    if options:
        yield from ["", "| option | meaning |", "|---|---|"]
        yield from (
            f"| `{cell(', '.join(item.opts + item.secondary_opts))}` | {cell(plain(item.help))} |" for item in options
        )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, click.Context(below, info_name=name, parent=context))


# API ------------------------------------------------------------------------------------------------------------------


def api() -> Iterator[str]:
    """Every route with its summary, parameters and body, from the OpenAPI document."""
    document = importlib.import_module("hub.api.app").openapi_document()
    yield "The interactive form of this page is at `/docs` of a running hub. Errors are listed in [errors](errors.md)."
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item:
                yield from route(method, path, item[method])
    yield from ["", "## Bodies", "", "What the calls above take. A member that is not listed is refused by name."]
    for name, schema in sorted(document["components"]["schemas"].items()):
        if schema.get("additionalProperties") is False and "properties" in schema:
            yield from body(name, schema)


def route(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    """One operation."""
    yield from ["", f"## `{method.upper()} {path}`", ""]
    yield plain(operation.get("description") or operation.get("summary"))
    parameters = operation.get("parameters", [])
    if parameters:
        yield from ["", "| parameter | in | type | required |", "|---|---|---|---|"]
    for one in parameters:
        needed = "yes" if one.get("required") else "no"
        yield f"| `{one['name']}` | {one['in']} | `{cell(schema_name(one.get('schema', {})))}` | {needed} |"
    yield ""
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body: `{kind}` `{schema_name(body.get('schema', {}))}`.  "
    answers = (f"{status} {one.get('description', '')}".strip() for status, one in operation["responses"].items())
    yield f"Answers: {', '.join(answers)}."


def body(name: str, schema: dict[str, Any]) -> Iterator[str]:
    """The members of a request's body."""
    yield from ["", f"### {name}", "", plain(schema.get("description")), ""]
    yield from ["| member | type | required | meaning |", "|---|---|---|---|"]
    for member, one in schema["properties"].items():
        needed = "yes" if member in schema.get("required", ()) else "no"
        yield f"| `{member}` | `{cell(schema_name(one))}` | {needed} | {cell(one.get('description', ''))} |"


def schema_name(schema: dict[str, Any]) -> str:
    """A JSON schema in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(schema_name(one) for one in schema[several])
    if schema.get("type") == "array":
        return f"list of {schema_name(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


# text -----------------------------------------------------------------------------------------------------------------


def import_all(package: str) -> None:
    """Import every module of a package, so that all subclasses are known."""
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(module.__path__, prefix=f"{package}."):
        if not found.name.startswith("hub.sdk.testing") and "._" not in found.name:
            importlib.import_module(found.name)


def doc(node: ast.FunctionDef | ast.ClassDef) -> str:
    """The docstring of a definition."""
    return ast.get_docstring(node) or ""


def plain(text: str | None) -> str:
    """A docstring as one paragraph a line."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text or "").split("\n\n"))


Page = tuple[str, str, Callable[[], Iterable[str]]]
PAGES: dict[str, Page] = {
    "hooks": ("Hooks", "`hub.sdk.hooks`", hooks),
    "errors": ("Errors", "`hub.sdk.errors` and `hub.kit.errors`", errors),
    "settings": ("Settings", "`hub.kit.settings` and the settings models of the plugins", settings),
    "rules": ("Rules and policies", "`hub.kit.rules` and `hub.review.rules.policy`", rules),
    "events": ("Events", "`hub.flows.subscriptions` and what the code publishes", events),
    "cli": ("Command line", "`hub.cli.main`", cli),
    "metrics": ("Metrics", "`hub.api.gauges` and `hub.api.metrics`", metrics),
    "api": ("HTTP API", "the OpenAPI document", api),
}

if __name__ == "__main__":
    main(sys.argv[1:])
