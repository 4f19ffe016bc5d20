"""Take away what a server set up outside its data directory: containers, network, groups."""

import sys
from collections.abc import Mapping
from pathlib import Path

from au2.engines.native.engine import NativeEngine
from au2.server.data_directory import DataDirectory
from au2.server.settings_source import read_settings
from au2.server.wiring.engine import make_engine


def uninstall(data_dir: Path, environment: Mapping[str, str]) -> None:
    """Leave nothing of an installation on this machine but its data directory."""
    data = DataDirectory(data_dir.resolve())
    engine = make_engine(data, read_settings(data.settings_file, environment))
    assert isinstance(engine, NativeEngine)
    engine.uninstall()


if __name__ == "__main__":
    uninstall(Path(sys.argv[1]), {})
