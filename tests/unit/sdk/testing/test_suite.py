"""What all suites share catches bad settings models, manifests and declared capabilities."""

from dataclasses import replace

import pytest
from pydantic import BaseModel, Field, SecretStr

from hub.canonical.facts import ParseResult
from hub.sdk.adapters import Channel
from hub.sdk.manifest import Manifest
from hub.sdk.testing.suite import Conformance, failures
from hub.sdk.values import Health

SHAPE = "test_folder_has_the_shape"


class MiniSettings(BaseModel):
    api_key: SecretStr = Field(description="Key of the shop's API")


class Mini(Channel[MiniSettings]):
    manifest = Manifest(id="mini", kind="channel", version="1.0", label="Mini", egress_hosts=("mini.example",))
    settings_model = MiniSettings

    def check(self) -> Health:
        return Health(ok=True)

    def parse(self, raw):
        return ParseResult()


def caught(channel, folder) -> set[str]:
    members = {"plugin": channel, "settings": {"api_key": "very-secret-value"}, "kind": "channel"}
    return set(failures(type("Suite", (Conformance,), members), folder)) - {SHAPE}


def test_a_sound_plugin_passes(tmp_path) -> None:
    assert caught(Mini, tmp_path) == set()


class Undescribed(BaseModel):
    api_key: SecretStr = Field(description="Key")
    shop: str = "main"


class Careless(BaseModel):
    api_key: str = Field(description="Key")


class Outer(BaseModel):
    api_key: SecretStr = Field(description="Key")
    inner: tuple[Careless, ...] = Field(default=(), description="More keys")


@pytest.mark.parametrize("model", [Undescribed, Careless, Outer])
def test_bad_settings_models_are_caught(model, tmp_path) -> None:
    assert "test_settings_are_described" in caught(type("Broken", (Mini,), {"settings_model": model}), tmp_path)


@pytest.mark.parametrize(
    "change", [{"id": "Mini-Shop"}, {"kind": "erp"}, {"version": "new"}, {"label": " "}, {"batch_max": 0},
               {"egress_hosts": ("https://mini.example/",)}],
)  # fmt: skip
def test_bad_manifests_are_caught(change, tmp_path) -> None:
    channel = type("Broken", (Mini,), {"manifest": replace(Mini.manifest, **change)})
    assert "test_manifest_is_complete" in caught(channel, tmp_path)


def test_declared_capabilities_are_caught(tmp_path) -> None:
    channel = type("Broken", (Mini,), {"capabilities": classmethod(lambda cls: frozenset({"fetch", "teleport"}))})
    assert "test_capabilities_are_computed" in caught(channel, tmp_path)
