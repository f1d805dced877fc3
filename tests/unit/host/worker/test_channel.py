"""Messages arrive whole and in order, however the bytes come."""

from __future__ import annotations

import socket
import threading

import pytest

from visualprm_eval.host.worker.channel import Channel, ClosedError


@pytest.fixture
def ends():
    sockets = socket.socketpair()
    yield Channel(sockets[0]), Channel(sockets[1]), sockets
    for each in sockets:
        each.close()


def test_messages_of_any_size_in_order(ends):
    one, other, _ = ends
    sizes = [0, 1, 7, 100, 3_000_000, 5]
    sender = threading.Thread(target=lambda: [one.send({"text": "ä" * size, "size": size}) for size in sizes])
    sender.start()
    received = [other.receive() for _ in sizes]
    sender.join()
    assert [(each["size"], len(each["text"])) for each in received] == [(size, size) for size in sizes]


def test_messages_of_several_threads_do_not_mix(ends):
    one, other, _ = ends
    threads = [
        threading.Thread(target=lambda n=n: [one.send({"n": n, "i": i, "fill": "x" * 50_000}) for i in range(20)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    received = [other.receive() for _ in range(80)]
    for thread in threads:
        thread.join()
    for n in range(4):
        assert [each["i"] for each in received if each["n"] == n] == list(range(20))


def test_a_part_of_a_message_is_none_until_the_rest_has_come(ends):
    one, other, (left, right) = ends
    kept = []
    one.send({"x": 1})
    whole = right.recv(1000)
    for byte in whole[:-1]:
        left.sendall(bytes([byte]))
        kept.append(other.receive(0.01))
    assert set(kept) == {None}
    left.sendall(whole[-1:])
    assert other.receive(1) == {"x": 1}


def test_the_end_of_the_other_side_is_told(ends):
    one, other, (left, _) = ends
    one.send({"last": "word"})
    left.close()
    assert other.receive(1) == {"last": "word"}
    with pytest.raises(ClosedError):
        other.receive(1)
    with pytest.raises(ClosedError):
        one.send({})
