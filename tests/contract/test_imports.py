"""The import contracts hold on the tree, and each of them bites on a tree that breaks it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import REPOSITORY

CLEAN = {
    "hub/canonical/order.py": "",
    "hub/sdk/errors.py": "import hub.canonical.order\n",
    "hub/kit/db.py": "import sqlalchemy\n",
    "hub/orders/tables.py": "import hub.kit.db\n",
    "hub/orders/rules/lifecycle.py": "import hub.canonical.order\n",
    "hub/orders/service/accept.py": "import hub.orders.rules.lifecycle\nimport hub.orders.tables\n",
    "hub/flows/orders.py": "import hub.orders.service.accept\n",
    "hub/worker/broker.py": "import dramatiq\n",
    "plugins/channels/acme/mapping.py": "import json\nimport hub.sdk.errors\n",
    "plugins/channels/acme/client.py": "import httpx\nimport plugins.channels.acme.mapping\n",
    "plugins/carriers/swift/mapping.py": "",
}
# contract -> (file, its text, what the report must name)
BREAKS = {
    "layers": ("hub/kit/clock.py", "import hub.orders.tables\n", "hub.kit.clock -> hub.orders.tables"),
    "layers (a package without a place)": ("hub/stray/__init__.py", "", "hub.stray"),
    "layers (siblings)": ("hub/cases/service.py", "import hub.catalog.x\n", "hub.cases.service -> hub.catalog.x"),
    "anatomy": (
        "hub/orders/repository.py",
        "import hub.orders.service\n",
        "hub.orders.repository -> hub.orders.service",
    ),
    "no-plugins-in-hub": ("hub/flows/x.py", "import plugins.channels.acme\n", "hub.flows.x -> plugins.channels.acme"),
    "plugin-door": (
        "plugins/channels/acme/adapter.py",
        "import hub.kit.db\n",
        "plugins.channels.acme.adapter -> hub.kit.db",
    ),
    "plugin-door (database)": (
        "plugins/channels/acme/x.py",
        "import sqlalchemy\n",
        "plugins.channels.acme.x -> sqlalchemy",
    ),
    "independent-plugins": (
        "plugins/channels/acme/rates.py",
        "import plugins.carriers.swift.mapping\n",
        "plugins.channels.acme.rates -> plugins.carriers.swift.mapping",
    ),
    "pure (rules)": ("hub/orders/rules/clock.py", "import socket\n", "hub.orders.rules.clock -> socket"),
    "pure (canonical, indirectly)": (
        "hub/canonical/money.py",
        "import hub.sdk.http\n",
        "hub.canonical.money -> hub.sdk.http",
    ),
    "pure (mapping)": (
        "plugins/carriers/swift/mapping.py",
        "import plugins.carriers.swift.calls\n",
        "plugins.carriers.swift.mapping -> plugins.carriers.swift.calls",
    ),
    "dramatiq": ("hub/flows/bell.py", "import dramatiq\n", "hub.flows.bell -> dramatiq"),
    "no-web-in-commands": ("hub/flows/door.py", "import fastapi\n", "hub.flows.door -> fastapi"),
}
HELPERS = {
    "hub/catalog/x.py": "",
    "hub/sdk/http.py": "import httpx\n",
    "plugins/carriers/swift/calls.py": "import httpx\n",
}


def plant(folder: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for package in path.relative_to(folder).parents:
            if package != Path():
                (folder / package / "__init__.py").touch()
        path.write_text(source)


def lint(folder: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    chosen = ["--contract", contract] if contract else []
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("lint-imports")),
            "--no-logo",
            "--no-cache",
            "--config",
            str(REPOSITORY / "pyproject.toml"),
            *chosen,
        ],
        cwd=folder,
        env={**os.environ, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tree_keeps_all_eight_contracts() -> None:
    outcome = lint(REPOSITORY)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "8 kept, 0 broken" in outcome.stdout


def test_a_clean_tree_passes(tmp_path: Path) -> None:
    plant(tmp_path, CLEAN)
    outcome = lint(tmp_path)
    assert "8 kept, 0 broken" in outcome.stdout, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("case", BREAKS)
def test_each_contract_bites(case: str, tmp_path: Path) -> None:
    name, source, reported = BREAKS[case]
    plant(tmp_path, {**CLEAN, **HELPERS, name: source})
    outcome = lint(tmp_path, case.split(" ", maxsplit=1)[0])
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "0 kept, 1 broken" in outcome.stdout
    assert reported in outcome.stdout
