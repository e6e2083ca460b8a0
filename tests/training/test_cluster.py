"""`mim_tf.training.cluster`: TF_CONFIG, and processes that wait for each other."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
from addresses import free_addresses

from mim_export.score.errors import MimError
from mim_tf.training.cluster import Cluster, meet, read_cluster

TWO = {"worker": ["a:2222", "b:2222"]}


def entry(cluster: object, kind: object = "worker", index: object = 0) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "number", "addresses", "task"),
    [
        (entry(TWO, index=1), 1, ("a:2222", "b:2222"), "/job:worker/replica:0/task:1"),
        (entry({"worker": ["a:1"], "chief": ["c:2"]}), 1, ("c:2", "a:1"), "/job:worker/replica:0/task:0"),
        (entry({"worker": ["a:1"], "chief": ["c:2"]}, "chief"), 0, ("c:2", "a:1"), "/job:chief/replica:0/task:0"),
        (entry({"worker": ["[::1]:65535"]}), 0, ("[::1]:65535",), "/job:worker/replica:0/task:0"),
    ],
)
def test_the_chief_is_the_first_process(
    text: str, number: int, addresses: tuple[str, ...], task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    assert read_cluster() == Cluster(addresses, number, task)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not set"),
        ("{", "is not JSON"),
        ("[]", "lacks cluster or task"),
        (json.dumps({"cluster": TWO}), "lacks cluster or task"),
        (entry({"worker": ["a:1"], "ps": ["b:1"]}), "has the job ps"),
        (entry({}), "has the task worker 0, which is not in its cluster"),
        (entry({"worker": []}), "has no list of addresses of the job worker"),
        (entry({"worker": "a:1"}), "has no list of addresses of the job worker"),
        (entry({"worker": ["a"]}), "has the address a"),
        (entry({"worker": [":1"]}), "has the address :1"),
        (entry({"worker": ["a:0"]}), "has the address a:0"),
        (entry({"worker": ["a:65536"]}), "has the address a:65536"),
        (entry({"worker": ["a:x"]}), "has the address a:x"),
        (entry({"worker": [5]}), "has the address 5"),
        (entry({"worker": ["a:1", "a:1"]}), "has an address twice"),
        (entry({"chief": ["a:1", "b:1"]}, "chief"), "has more than one chief"),
        (entry(TWO, index=2), "has the task worker 2, which"),
        (entry(TWO, index="1"), "has the task worker 1, which"),
        (entry(TWO, index=True), "has the task worker True, which"),
        (entry(TWO, index=1.0), "has the task worker 1.0, which"),
        (entry(TWO, "chief"), "has the task chief 0, which"),
        (entry(TWO, ["worker"]), r"has the task \['worker'\] 0, which"),
    ],
)
def test_a_wrong_description_is_one_line(text: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(MimError, match=f"^TF_CONFIG {problem}.*; set it to ") as raised:
        read_cluster()
    assert "\n" not in str(raised.value)
    monkeypatch.delenv("TF_CONFIG")
    with pytest.raises(MimError, match="TF_CONFIG is not set; set it to"):
        read_cluster()


def arrivals(addresses: tuple[str, ...], numbers: dict[int, float], seconds: float) -> dict[int, float | str]:
    """Runs `meet` of some processes, each after a delay in seconds; returns when it returned, or its error."""
    ended: dict[int, float | str] = {}
    began = time.monotonic()

    def run(number: int, delay: float) -> None:
        time.sleep(delay)
        try:
            meet(Cluster(addresses, number, ""), seconds)
            ended[number] = time.monotonic() - began
        except MimError as error:
            ended[number] = str(error)

    threads = [threading.Thread(target=run, args=item) for item in numbers.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


def test_processes_wait_for_the_last_one() -> None:
    addresses = free_addresses(3)
    ended = arrivals(addresses, {0: 0.0, 1: 0.2, 2: 0.8}, 30)
    assert sorted(ended) == [0, 1, 2] and all(isinstance(when, float) and 0.8 <= when < 20 for when in ended.values())
    for address in addresses:  # the ports are free again, for TensorFlow
        socket.create_server(("", int(address.rpartition(":")[2]))).close()


def test_other_programs_and_processes_that_have_ended_are_not_counted() -> None:
    addresses = free_addresses(3)
    port = int(addresses[0].rpartition(":")[2])

    def disturb() -> None:
        time.sleep(0.3)
        for words in (b"GET / HTTP/1.0\r\n\r\n", b""):
            with socket.create_connection(("127.0.0.1", port)) as other:
                other.sendall(words)

    noise = threading.Thread(target=disturb)
    noise.start()
    gone = threading.Thread(target=lambda: arrivals(addresses, {1: 0.0}, 0.3))  # before the last one comes
    gone.start()
    ended = arrivals(addresses, {0: 0.0, 2: 1.0}, 2.0)
    noise.join()
    gone.join()
    assert ended[0] == (
        f"{addresses[0]}: not reached within 2 s: {addresses[1]}; "
        "start the same command on all workers at about the same time"
    )
    assert str(ended[2]).startswith(f"{addresses[2]}: not reached within 2 s: {addresses[0]}; ")


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        message = rf"^{address}: the port cannot be used \(address already in use\); end the program that uses it"
        with pytest.raises(MimError, match=message):
            meet(Cluster((address, *free_addresses(1)), 0, ""), 1.0)
