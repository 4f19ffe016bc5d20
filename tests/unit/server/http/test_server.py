"""The HTTP server and what it is wired to."""

import asyncio
import logging
import threading
from contextlib import closing
from pathlib import Path

import pytest

from au2.http.noticeboard import NoticeBoard
from au2.server.data_directory import DataDirectory
from au2.server.http.server import ApiServer
from au2.server.settings.sections import ServerSettings, Settings
from au2.server.wiring.api import make_api
from au2.server.wiring.stores import open_database


async def no_app(*_: object) -> None:
    raise AssertionError


def test_only_proxies_that_are_named_are_believed() -> None:
    stopping = threading.Event()
    alone = ApiServer(no_app, on_ready=lambda: None, stopping=stopping)
    assert not alone.config.proxy_headers
    behind = ApiServer(
        no_app,
        on_ready=lambda: None,
        stopping=stopping,
        trusted_proxies=("10.0.0.1",),
    )
    assert behind.config.proxy_headers
    assert behind.config.forwarded_allow_ips == ["10.0.0.1"]


def test_what_a_stop_cuts_off_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    ApiServer(no_app, on_ready=lambda: None, stopping=threading.Event())
    logger = logging.getLogger("uvicorn.error")
    for error in (asyncio.CancelledError("stopped"), ValueError("a fault")):
        logger.error("Exception in ASGI application", exc_info=error)
    [record] = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


def test_streams_are_told_when_the_server_stops(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data")
    data.create()
    settings = Settings(server=ServerSettings(run_dir=tmp_path / "run"))
    stopping = threading.Event()
    database = open_database(data)
    board: NoticeBoard = make_api(data, settings, database, stopping).state.board
    with closing(board._notices), closing(database):
        assert not board.is_closing
        stopping.set()
        assert board.is_closing
