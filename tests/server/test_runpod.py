"""What RunPod's variables mean."""

from __future__ import annotations

from parley.server.runpod import pod

ON_A_POD = {"RUNPOD_POD_ID": "abc123", "RUNPOD_PUBLIC_IP": "203.0.113.7", "RUNPOD_TCP_PORT_7860": "31337"}


def test_elsewhere_there_is_no_pod() -> None:
    assert pod(8000, {}) is None
    assert pod(8000, {"RUNPOD_POD_ID": ""}) is None


def test_a_pod_is_reached_by_its_proxy_and_by_the_port_that_leads_to_ours() -> None:
    found = pod(7860, ON_A_POD)
    assert found is not None
    assert found.url == "https://abc123-7860.proxy.runpod.net"
    assert (found.public_ip, found.tcp_port) == ("203.0.113.7", 31337)


def test_another_port_than_the_mapped_one_is_not_taken_for_it() -> None:
    found = pod(8000, ON_A_POD | {"RUNPOD_TCP_PORT_8000": "none"})
    assert found is not None
    assert found.tcp_port is None
