import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Descriptor, Manifest, parse_manifest

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ANNOTATIONS = st.dictionaries(TEXT, TEXT, max_size=3)


def descriptors(types: frozenset[str]) -> st.SearchStrategy[Descriptor]:
    return st.builds(
        Descriptor,
        st.sampled_from(sorted(types)),
        st.binary(max_size=8).map(sha256_of),
        st.integers(0, 2**63 - 1),
        ANNOTATIONS,
    )


MANIFESTS = st.builds(
    Manifest,
    descriptors(media_types.CONFIGS),
    st.lists(descriptors(media_types.LAYERS), max_size=5).map(tuple),
    ANNOTATIONS,
    st.sampled_from(sorted(media_types.MANIFESTS)),
)


@given(MANIFESTS)
def test_round_trip(manifest: Manifest) -> None:
    data = manifest.to_bytes()
    assert parse_manifest(data) == manifest
    assert parse_manifest(data).to_bytes() == data


def good() -> dict[str, Any]:
    layer = {"mediaType": media_types.LAYER_GZIP, "digest": sha256_of(b"l"), "size": 3}
    config = {"mediaType": media_types.CONFIG, "digest": sha256_of(b"c"), "size": 5}
    return {"schemaVersion": 2, "config": config, "layers": [layer]}


def test_the_media_type_may_be_missing_and_unknown_keys_are_passed_over() -> None:
    document = good() | {"subject": None, "novelty": [1]}
    manifest = parse_manifest(json.dumps(document).encode())
    assert manifest.media_type == media_types.MANIFEST
    assert manifest.layers[0].size_bytes == 3


def test_keys_are_sorted_and_there_are_no_spaces() -> None:
    data = parse_manifest(json.dumps(good()).encode()).to_bytes()
    assert data.startswith(b'{"config":{"digest":"sha256:')
    assert b" " not in data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schemaVersion": 1}, "not an image manifest"),
        ({"schemaVersion": True}, "not a number"),
        ({"schemaVersion": None}, "no schemaVersion"),
        ({"mediaType": media_types.INDEX}, "several images"),
        ({"manifests": []}, "several images"),
        ({"mediaType": "text/plain"}, "not an image manifest"),
        ({"config": None}, "no config"),
        ({"config": []}, "not a JSON object"),
        ({"config": good()["layers"][0]}, "config is not an image's"),
        ({"layers": None}, "no layers"),
        ({"layers": {}}, "not a list"),
        ({"layers": ["x"]}, "not a JSON object"),
        ({"layers": [good()["config"]]}, "unknown type"),
        ({"layers": [good()["layers"][0] | {"size": -1}]}, "size"),
        ({"layers": [good()["layers"][0] | {"size": 1.5}]}, "size"),
        ({"layers": [good()["layers"][0] | {"size": 2**64}]}, "size"),
        ({"layers": [good()["layers"][0] | {"digest": "sha256:../x"}]}, "not a digest"),
        ({"layers": good()["layers"] * 501}, "501 layers"),
        ({"annotations": {"a": 1}}, "not a text"),
        ({"annotations": {"a": "\ud800"}}, "no system takes"),
    ],
)
def test_wrong_manifests(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        parse_manifest(json.dumps(good() | change).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff{}", "not valid JSON"),
        (b'{"a":1,"a":2}', "twice"),
        (b'{"a":NaN}', "no JSON number"),
        (b'{"a":' + b"9" * 10_000 + b"}", "not valid JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b" " * ((4 << 20) + 1), "larger than"),
    ],
    ids=["empty", "list", "encoding", "double", "nan", "long number", "deep", "large"],
)
def test_what_is_no_document(data: bytes, message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        parse_manifest(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "schemaVersion",
                        "config",
                        "layers",
                        "mediaType",
                        "digest",
                        "size",
                        "annotations",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
    )
)
def test_any_json_is_taken_or_refused(value: Any) -> None:
    with contextlib.suppress(InvalidImage):
        parse_manifest(json.dumps(value).encode())
