"""The HTTP server and what it is wired to."""

import threading
from contextlib import closing
from pathlib import Path

from au2.api.noticeboard import NoticeBoard
from au2.server.data_directory import DataDirectory
from au2.server.http_server import make_server
from au2.server.settings import ServerSettings, Settings
from au2.server.wiring.api import make_api


async def no_app(*_: object) -> None:
    raise AssertionError


def test_only_proxies_that_are_named_are_believed() -> None:
    stopping = threading.Event()
    alone = make_server(no_app, on_ready=lambda: None, stopping=stopping)
    assert not alone.config.proxy_headers
    behind = make_server(
        no_app, on_ready=lambda: None, stopping=stopping, trusted_proxies=("10.0.0.1",)
    )
    assert behind.config.proxy_headers
    assert behind.config.forwarded_allow_ips == ["10.0.0.1"]


def test_streams_are_told_when_the_server_stops(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data")
    data.create()
    settings = Settings(server=ServerSettings(run_dir=tmp_path / "run"))
    stopping = threading.Event()
    board: NoticeBoard = make_api(data, settings, stopping).state.board
    with closing(board._notices):
        assert not board.is_closing
        stopping.set()
        assert board.is_closing
