"""What a push looks at is what the garbage collection and the check of all blobs go by."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.manifest import parse_manifest
from au2.oci.spec.registry_manifest import parse_referenced, parse_registry_manifest

DESCRIPTORS = st.fixed_dictionaries(
    {
        "mediaType": st.sampled_from([media_types.CONFIG, media_types.LAYER_TAR]),
        "digest": st.sampled_from(["sha256:" + letter * 64 for letter in "0123"]),
        "size": st.integers(0, 9),
    }
)
ANYTHING = st.sampled_from([None, True, 5, "", "x", [], {}, [5], {"digest": "x"}])
TYPES = st.sampled_from(sorted(media_types.MANIFESTS | media_types.INDEXES))
IMAGES = st.fixed_dictionaries({"config": DESCRIPTORS, "layers": st.lists(DESCRIPTORS, max_size=3)})
INDEXES = st.fixed_dictionaries({"manifests": st.lists(DESCRIPTORS, max_size=3)})
ADDED = st.fixed_dictionaries({}, optional={"mediaType": TYPES | ANYTHING, "subject": DESCRIPTORS})
SPOILED = st.dictionaries(
    st.sampled_from(["mediaType", "config", "layers", "manifests", "subject", "annotations"]),
    ANYTHING | DESCRIPTORS | st.lists(DESCRIPTORS, max_size=3),
    max_size=2,
)
DOCUMENTS = st.builds(
    lambda document, added, spoiled: {"schemaVersion": 2} | document | added | spoiled,
    IMAGES | INDEXES,
    ADDED,
    SPOILED,
)


@given(DOCUMENTS, TYPES | st.just(""))
def test_what_is_taken_is_read_by_everybody_alike(document: dict[str, Any], stated: str) -> None:
    data = json.dumps(document).encode()
    try:
        taken = parse_registry_manifest(data, stated)
    except InvalidImage:
        return
    read = parse_referenced(data)
    assert (read.blobs, read.manifests) == (taken.blobs, taken.manifests)
    assert bool(taken.blobs) != taken.is_index
    assert taken.media_type == (stated or document.get("mediaType") or taken.media_type)


@given(DOCUMENTS)
def test_what_can_be_run_is_read_by_everybody_alike(document: dict[str, Any]) -> None:
    data = json.dumps(document).encode()
    try:
        image = parse_manifest(data)
    except InvalidImage:
        return
    read = parse_referenced(data)
    assert read.blobs == (image.config, *image.layers)
    assert read.manifests == ()


@pytest.mark.parametrize("place", ["config", "layers", "subject"])
def test_an_alias_is_taken_in_a_registry_and_in_no_image_that_runs(place: str) -> None:
    plain = {"mediaType": media_types.LAYER_TAR, "digest": "sha256:" + "0" * 64, "size": 1}
    alias = plain | {"digest": "sha512:" + "0" * 128}
    config = plain | {"mediaType": media_types.CONFIG}
    document = {"schemaVersion": 2, "mediaType": media_types.MANIFEST}
    document |= {"config": config, "layers": [plain], "subject": plain}
    assert not parse_registry_manifest(json.dumps(document).encode()).has_aliases

    named = config | {"digest": alias["digest"]} if place == "config" else alias
    document[place] = [named] if place == "layers" else named
    data = json.dumps(document).encode()
    assert parse_registry_manifest(data).has_aliases
    if place == "subject":
        return  # What an image is about is not read where it runs.
    with pytest.raises(InvalidImage, match="not a digest"):
        parse_manifest(data)
