"""One suite for every way that notices travel."""

import select
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from au2.stores.notices import EVERYTHING, FolderNotices, Notices, job_topic

LONG = 20.0


class MakeNotices(Protocol):
    def __call__(self, name: str) -> Notices: ...


@pytest.fixture(params=["folder"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeNotices]:
    made: list[Notices] = []

    def make(name: str) -> Notices:
        made.append({"folder": FolderNotices}[request.param](tmp_path / "notices", name))
        return made[-1]

    yield make
    for notices in made:
        notices.close()


def test_everybody_hears_it_the_sender_too(make: MakeNotices) -> None:
    first, second, third = make("api"), make("api"), make("dispatcher")
    first.send(job_topic(7))
    assert [n.wait(LONG) for n in (first, second, third)] == [{"job:7"}] * 3


def test_nothing_is_heard_when_nothing_is_sent(make: MakeNotices) -> None:
    assert make("api").wait(0) == set()
    assert make("api").wait(0.01) == set()


def test_several_topics_come_at_once_and_only_once(make: MakeNotices) -> None:
    notices = make("api")
    for topic in ("jobs", "log:1", "jobs"):
        notices.send(topic)
    assert notices.wait(LONG) == {"jobs", "log:1"}
    assert notices.wait(0) == set()


def test_who_listens_is_known_by_name(make: MakeNotices) -> None:
    first, second = make("api"), make("dispatcher")

    assert first.is_listening("dispatcher")
    assert second.is_listening("api")
    assert not first.is_listening("disp")
    assert not first.is_listening("dispatcher-1")
    second.close()
    assert not first.is_listening("dispatcher")


def test_who_was_killed_does_not_listen(make: MakeNotices, tmp_path: Path) -> None:
    notices = make("api")
    code = (
        "import os, sys; from pathlib import Path; "
        "from au2.stores.notices import FolderNotices; "
        "FolderNotices(Path(sys.argv[1]), 'dispatcher'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "notices"], check=False)

    assert not notices.is_listening("dispatcher")


def test_who_does_not_listen_quickly_still_listens(make: MakeNotices) -> None:
    notices, _ = make("api"), make("dispatcher")
    for number in range(5000):
        notices.send(f"job:{number}")

    assert notices.is_listening("dispatcher")


def test_a_waiting_thread_wakes_up(make: MakeNotices) -> None:
    sender, receiver = make("a"), make("b")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receiver.wait, LONG)
        sender.send("jobs")
        assert waiting.result() == {"jobs"}


def test_a_flood_never_blocks_and_is_owned_up_to(make: MakeNotices) -> None:
    sender, receiver = make("a"), make("b")
    for number in range(20_000):
        sender.send(job_topic(number))
    heard = receiver.wait(LONG)
    assert EVERYTHING in heard
    sender.send("jobs")
    assert "jobs" in receiver.wait(LONG)


def test_the_descriptor_tells_an_event_loop(make: MakeNotices) -> None:

    notices = make("a")
    assert select.select([notices.fileno()], [], [], 0)[0] == []
    notices.send("jobs")
    assert select.select([notices.fileno()], [], [], LONG)[0] == [notices.fileno()]


def test_sending_after_closing_is_harmless(make: MakeNotices) -> None:
    sender, receiver = make("a"), make("b")
    sender.close()
    sender.close()
    sender.send("jobs")
    assert receiver.wait(0) == set()


def test_an_endless_topic_is_cut(make: MakeNotices) -> None:
    notices = make("a")
    notices.send("x\udcff" * 100_000)
    assert len(notices.wait(LONG).pop()) <= 256
