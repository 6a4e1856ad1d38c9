"""Which addresses may be called, and that the checked address is the one connected to."""

import ipaddress
from collections.abc import Iterable

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit import http_guard
from hub.kit.http_guard import METADATA, AddressRefused, GuardedBackend, deadline, may_call, resolve

PRIVATE = (
    "127.0.0.1", "127.9.9.9", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.10.10", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
    "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
)  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_inside_are_refused(text: str) -> None:
    assert not may_call(ipaddress.ip_address(text), allow_private=False)


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_called(text: str) -> None:
    assert may_call(ipaddress.ip_address(text), allow_private=False)


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "::1", "fc00::1", "::ffff:10.0.0.1"])
def test_a_connection_may_allow_its_own_network(text: str) -> None:
    assert may_call(ipaddress.ip_address(text), allow_private=True)


@pytest.mark.parametrize("address", sorted(METADATA, key=str))
def test_cloud_metadata_is_never_called(address: http_guard.Address) -> None:
    assert not may_call(address, allow_private=True)


@given(st.ip_addresses(v=4, network="10.0.0.0/8"), st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_no_spelling_of_a_private_address_within_ipv6_gets_through(address: ipaddress.IPv4Address, prefix: str) -> None:
    inside = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address))
    assert not may_call(inside, allow_private=False)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "::1", "127.0.0.1"])
def test_names_and_odd_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        GuardedBackend(allow_private=False).connect_tcp(host, 80, 1.0)
    assert refused.value.address in ("127.0.0.1", "::1")


class Recorder(httpcore.NetworkBackend):
    """Notes where a connection would go."""

    def __init__(self, refusing: frozenset[str] = frozenset()) -> None:
        self.hosts: list[str] = []
        self.refusing = refusing

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[http_guard.SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        self.hosts.append(host)
        if host in self.refusing:
            raise httpcore.ConnectError("refused")
        return httpcore.MockStream([])


def backend(*answers: list[str], refusing: frozenset[str] = frozenset()) -> tuple[GuardedBackend, Recorder]:
    waiting = list(answers)
    guarded = GuardedBackend(allow_private=False, resolver=lambda host, port: waiting.pop(0))
    recorder = Recorder(refusing)
    guarded._plain = recorder
    return guarded, recorder


def test_the_checked_address_is_connected_to_and_the_name_is_asked_once() -> None:
    guarded, recorder = backend(["8.8.8.8"], ["127.0.0.1"])
    guarded.connect_tcp("rebinding.example", 443, 1.0)
    assert recorder.hosts == ["8.8.8.8"]
    with pytest.raises(AddressRefused):
        guarded.connect_tcp("rebinding.example", 443, 1.0)
    assert recorder.hosts == ["8.8.8.8"]


def test_private_answers_among_public_ones_are_left_out() -> None:
    guarded, recorder = backend(["10.0.0.1", "8.8.8.8", "1.1.1.1"], refusing=frozenset({"8.8.8.8"}))
    guarded.connect_tcp("mixed.example", 443, 1.0)
    assert recorder.hosts == ["8.8.8.8", "1.1.1.1"]


def test_when_no_address_answers_the_last_failure_is_reported() -> None:
    guarded, recorder = backend(["8.8.8.8", "1.1.1.1"], refusing=frozenset({"8.8.8.8", "1.1.1.1"}))
    with pytest.raises(httpcore.ConnectError):
        guarded.connect_tcp("down.example", 443, 1.0)
    assert recorder.hosts == ["8.8.8.8", "1.1.1.1"]


def test_a_call_past_its_deadline_connects_nowhere() -> None:
    guarded, recorder = backend(["8.8.8.8"])
    token = deadline.set(0.0)
    try:
        with pytest.raises(httpcore.ConnectTimeout):
            guarded.connect_tcp("late.example", 443, 1.0)
    finally:
        deadline.reset(token)
    assert recorder.hosts == []


def test_every_address_of_a_name_is_listed_once() -> None:
    assert len(resolve("localhost", 80)) == len(set(resolve("localhost", 80))) >= 1
