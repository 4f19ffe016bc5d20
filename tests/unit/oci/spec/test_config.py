import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidImage
from au2.oci.spec.config import HistoryEntry, ImageConfig, parse_config
from au2.oci.spec.digest import sha256_of

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
NAME = TEXT.filter(lambda text: text and "=" not in text)

CONFIGS = st.builds(
    ImageConfig,
    architecture=TEXT,
    os=TEXT,
    variant=TEXT,
    env=st.lists(st.builds("{}={}".format, NAME, TEXT), max_size=3).map(tuple),
    entrypoint=TEXTS.filter(lambda words: words != ("",)),
    cmd=TEXTS,
    user=TEXT,
    working_dir=TEXT,
    labels=st.dictionaries(TEXT, TEXT, max_size=3),
    stop_signal=TEXT,
    volumes=st.lists(TEXT, max_size=3, unique=True).map(lambda paths: tuple(sorted(paths))),
    diff_ids=st.lists(st.binary(max_size=4).map(sha256_of), max_size=3).map(tuple),
    history=st.lists(st.builds(HistoryEntry, TEXT, TEXT, st.booleans()), max_size=3).map(tuple),
)


@given(CONFIGS)
def test_round_trip(config: ImageConfig) -> None:
    data = config.to_bytes()
    assert parse_config(data) == config
    assert parse_config(data).to_bytes() == data


def test_no_time_is_written() -> None:
    assert b'created"' not in ImageConfig("amd64", history=(HistoryEntry("x"),)).to_bytes()


def test_what_docker_writes() -> None:
    document = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-01-01T00:00:00Z",
        "config": {
            "Env": ["PATH=/bin", "EMPTY="],
            "Cmd": ["sh"],
            "Entrypoint": None,
            "Labels": None,
            "Volumes": {"/data": {}},
            "OnBuild": None,
            "User": "1000:1000",
            "StopSignal": "SIGINT",
        },
        "rootfs": {"type": "layers", "diff_ids": [sha256_of(b"")]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "x", "empty_layer": True}],
    }
    config = parse_config(json.dumps(document).encode())
    assert config.env == ("PATH=/bin", "EMPTY=")
    assert config.entrypoint == ()
    assert config.cmd == ("sh",)
    assert config.volumes == ("/data",)
    assert config.user == "1000:1000"
    assert config.history == (HistoryEntry("x", "", True),)


def test_what_is_no_variable_is_left_out() -> None:
    data = b'{"config": {"Env": ["A=1", "NOTHING", "", "=x", "B=c=d", "A="]}}'
    assert parse_config(data).env == ("A=1", "B=c=d", "A=")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"Entrypoint": [""], "Cmd": ["c"]}, ((), ("c",))),
        ({"Entrypoint": "", "Cmd": "c"}, ((), ("c",))),
        ({"Entrypoint": [None], "Cmd": [""]}, ((), ("",))),
        ({"Entrypoint": ["", ""], "Cmd": None}, (("", ""), ())),
        ({"entrypoint": ["e"], "CMD": ["c", None]}, (("e",), ("c", ""))),
    ],
    ids=str,
)
def test_commands_as_docker_reads_them(run: dict[str, Any], expected: object) -> None:
    config = parse_config(json.dumps({"config": run}).encode())
    assert (config.entrypoint, config.cmd) == expected


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"config": {"Cmd": ["a"], "cmd": ["b"]}}, "Cmd twice, in upper and lower case"),
        ({"config": []}, "not a JSON object"),
        ({"config": "x"}, "not a JSON object"),
        ({"config": {"Env": "x"}}, "not a list"),
        ({"config": {"Env": ["A=b\0c"]}}, "no system takes"),
        ({"config": {"Env": [1]}}, "not a text"),
        ({"config": {"Cmd": {"a": 1}}}, "not a list"),
        ({"config": {"User": 0}}, "not a text"),
        ({"rootfs": {"type": "layers", "diff_ids": ["x"]}}, "not a digest"),
        ({"rootfs": {"type": "other"}}, "does not consist of layers"),
        ({"history": [1]}, "not a JSON object"),
        ({"history": [{"empty_layer": "no"}]}, "neither true nor false"),
    ],
)
def test_wrong_configurations(document: dict[str, Any], message: str) -> None:
    data = json.dumps(document).encode()
    with pytest.raises(InvalidImage, match=message):
        parse_config(data)
