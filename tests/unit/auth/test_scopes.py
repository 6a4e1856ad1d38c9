"""What scopes cover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.auth.rules.scopes import BadScope, allows, normalised

SCOPES = st.builds("{}:{}".format, st.sampled_from(["orders", "stock", "api-keys"]), st.sampled_from(["read", "write"]))


@pytest.mark.parametrize(
    ("granted", "wanted", "answer"),
    [
        (["orders:read"], "orders:read", True), (["orders:write"], "orders:read", True),
        (["orders:read"], "orders:write", False), (["orders:write"], "stock:read", False),
        (["admin"], "orders:write", True), (["admin"], "admin", True), (["orders:write"], "admin", False),
        ([], "orders:read", False), ([":write"], ":read", True),
    ],
)  # fmt: skip
def test_writing_includes_reading_and_admin_includes_all(granted: list[str], wanted: str, answer: bool) -> None:
    assert allows(granted, wanted) is answer


def test_scopes_are_kept_once_and_without_what_another_one_includes() -> None:
    assert normalised(["stock:read", "orders:write", " orders:read ", "orders:write"]) == ("orders:write", "stock:read")
    assert normalised(["orders:read", "admin"]) == ("admin",)


@pytest.mark.parametrize("bad", ["orders", "orders:delete", ":read", "Orders:read", "orders:read:all", "*", ""])
def test_what_is_no_scope_is_refused_by_name(bad: str) -> None:
    with pytest.raises(BadScope):
        normalised(["orders:read", bad])
    with pytest.raises(BadScope):
        normalised([])


@given(st.sets(SCOPES, min_size=1), SCOPES)
def test_normalising_changes_no_permission(granted: set[str], wanted: str) -> None:
    assert allows(normalised(granted), wanted) == allows(granted, wanted)
