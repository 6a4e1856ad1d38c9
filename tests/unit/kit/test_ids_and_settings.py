from pathlib import Path

import pytest

from hub.kit.ids import is_id, new_id, stable_reference
from hub.kit.settings import Settings


def test_ids_are_ordered_by_time_and_known_as_ids() -> None:
    made = [new_id() for _ in range(100)]
    assert made == sorted(set(made))
    assert all(is_id(one) for one in made)
    assert not any(is_id(text) for text in ("", "1", made[0].upper(), f"{made[0]}\n", made[0].replace("-", "")))


def test_a_stable_reference_knows_where_its_parts_end() -> None:
    assert stable_reference("a", "b") == stable_reference("a", "b")
    assert len({stable_reference("a", "b"), stable_reference("ab"), stable_reference("a", "b", "")}) == 3
    assert len(stable_reference("x" * 1000)) == 32


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_a_database_url_names_the_driver(given: str, url: str) -> None:
    assert Settings(database_url=given).resolved_database_url == url


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORDERHUB_DATA_DIR", str(tmp_path))
    settings = Settings()
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/hub.sqlite3"
    assert settings.resolved_key_file == tmp_path / "secret.key"
