"""What a test says when something outside the project is missing.

A peer is a real server, a real tool or a folder of documents that the project does not carry. On a developer's machine
a missing peer skips the test and says why; where ``ORDERHUB_REQUIRE_PEERS=1`` is set (``.ci/run`` sets it) the same
absence is a failure, so that a gate cannot pass by testing nothing.
"""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
"""The checkout that the tests run in."""

PEERS = REPOSITORY / ".peers"
"""Where ``.ci/run`` puts the peers that it fetches."""


def peers_are_required() -> bool:
    """Whether a missing peer is a failure rather than a skip."""
    return os.environ.get("ORDERHUB_REQUIRE_PEERS") == "1"


def require_peer(name: str, available: bool, reason: str) -> None:
    """Skip the calling test where the peer ``name`` is missing, or fail it where peers are required.

    ``reason`` says what was looked for and how to get it.
    """
    if available:
        return
    message = f"{name} is not available: {reason}"
    if peers_are_required():
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def stated_fixtures() -> Path:
    """Where they should be, whether they are or not."""
    stated = os.environ.get("ORDERHUB_FIXTURES")
    return Path(stated) if stated else REPOSITORY.parent / "shared" / "fixtures"


def fixtures_folder() -> Path:
    """The folder of shared source documents: ``ORDERHUB_FIXTURES``, else ``../shared/fixtures`` beside the checkout."""
    folder = stated_fixtures()
    require_peer(
        "the shared fixtures folder",
        folder.is_dir(),
        "set ORDERHUB_FIXTURES to the folder of fixture documents, or put it at ../shared/fixtures",
    )
    return folder


def shopify_schema() -> Path:
    """Shopify's own introspection of the Admin API 2026-10 (gzipped JSON), from the npm package `@shopify/dev-mcp`."""
    path = PEERS / "shopify" / "package" / "dist" / "data" / "admin_2026-10.json.gz"
    require_peer("Shopify's schema", path.is_file(), "run .ci/run once, which fetches it from npm into .peers/shopify")
    return path


def beancount_tool(name: str) -> Path:
    """A command of Beancount (`bean-check`, `bean-query`) in its own environment: its licence keeps it out of ours."""
    path = PEERS / "beancount" / "bin" / name
    require_peer("Beancount", path.is_file(), "run .ci/run once, which installs it into .peers/beancount")
    return path
