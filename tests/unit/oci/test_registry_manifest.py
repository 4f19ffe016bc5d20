"""What a push looks at is what the garbage collection and the check of all blobs go by."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidImage
from au2.oci import media_types
from au2.oci.pointers import parse_pointers
from au2.oci.registry_manifest import parse_registry_manifest

DESCRIPTORS = st.fixed_dictionaries(
    {
        "mediaType": st.sampled_from([media_types.CONFIG, media_types.LAYER_TAR]),
        "digest": st.sampled_from(["sha256:" + letter * 64 for letter in "0123"]),
        "size": st.integers(-1, 9),
    }
)
ANYTHING = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.just([]), st.just({}))
TYPES = st.sampled_from([media_types.MANIFEST, media_types.INDEX])
DOCUMENTS = st.fixed_dictionaries(
    {"schemaVersion": st.just(2)},
    optional={
        "mediaType": TYPES,
        "config": DESCRIPTORS | ANYTHING,
        "layers": st.lists(DESCRIPTORS, max_size=3) | ANYTHING,
        "manifests": st.lists(DESCRIPTORS, max_size=3) | ANYTHING,
    },
)


@given(DOCUMENTS, TYPES | st.just(""))
def test_what_is_taken_is_read_by_everybody_alike(document: dict[str, Any], stated: str) -> None:
    data = json.dumps(document).encode()
    try:
        taken = parse_registry_manifest(data, stated)
    except InvalidImage:
        return
    read = parse_pointers(data)
    assert (read.blobs, read.manifests) == (taken.blobs, taken.manifests)
    assert bool(taken.blobs) != taken.is_index
