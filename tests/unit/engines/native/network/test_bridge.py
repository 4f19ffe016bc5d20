"""Addresses of containers."""

import ipaddress
import threading
from pathlib import Path

import pytest

from au2.domain.errors import EngineFailure
from au2.engines.native.network.bridge import AddressBook

NETWORK = ipaddress.IPv4Network("10.9.0.0/28")


def test_nobody_gets_the_same_one(tmp_path: Path) -> None:
    taken: list[str] = []

    def take(number: int) -> None:
        taken.append(AddressBook(tmp_path / "book", NETWORK).take(f"job-{number}"))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Neither the network's own, nor the host's, nor the one for all.
    assert sorted(taken, key=ipaddress.IPv4Address) == [f"10.9.0.{n}" for n in range(2, 15)]


def test_a_full_network_and_what_is_given_back(tmp_path: Path) -> None:
    book = AddressBook(tmp_path / "book", NETWORK)
    first = book.take("first")
    for number in range(12):
        book.take(f"job-{number}")
    with pytest.raises(EngineFailure):
        book.take("one too many")
    book.give_back("first")
    book.give_back("first")
    assert book.take("next") == first
