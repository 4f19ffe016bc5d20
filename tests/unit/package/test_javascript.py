import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidPackage
from au2.package.javascript import LockedModule, parse_integrity, parse_javascript

INTEGRITY = "sha512-" + "A" * 86 + "=="
PACKAGE = {"name": "x", "dependencies": {"a": "1"}, "scripts": {"postinstall": "rm -r /"}}


def lock_of(**entries: Any) -> dict[str, Any]:
    places = {f"node_modules/{name}": entry for name, entry in entries.items()}
    return {"lockfileVersion": 3, "packages": {"": {}, **places}}


def errors_of(package: Any, lock: Any) -> list[str]:
    lock_text = None if lock is None else json.dumps(lock)
    with pytest.raises(InvalidPackage) as caught:
        parse_javascript(json.dumps(package), lock_text)
    return [str(detail) for detail in caught.value.details]


def test_what_the_lock_names_is_what_is_asked_for() -> None:
    entry = {"version": "1.0.0", "integrity": INTEGRITY, "resolved": "https://r/a.tgz"}
    lock = lock_of(
        a=entry,
        b={**entry, "dev": True},
        c={"version": "1.0.0", "inBundle": True},
        d={**entry, "name": "@other/d", "hasInstallScript": True},
    )
    found = parse_javascript(json.dumps(PACKAGE), json.dumps(lock))
    assert found is not None
    assert found.modules == {
        "node_modules/a": LockedModule("a", "1.0.0", INTEGRITY),
        "node_modules/d": LockedModule("@other/d", "1.0.0", INTEGRITY),
    }
    assert found.has_scripts
    assert "scripts" not in found.package


def test_scripts_of_bundled_packages_count_and_those_of_the_package_itself_do_not() -> None:
    bundled = {"version": "1.0.0", "inBundle": True, "hasInstallScript": True}
    lock = lock_of(a={"version": "1.0.0"})
    lock["packages"][""] = {"hasInstallScript": True}
    for expected in (False, True):
        found = parse_javascript(json.dumps(PACKAGE), json.dumps(lock))
        assert found is not None
        assert found.has_scripts is expected
        lock["packages"]["node_modules/b"] = bundled


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", False),
        ("legacy-peer-deps=true", True),
        ("fund=false\n legacy-peer-deps = true \n", True),
        ("legacy-peer-deps\n", True),
        ("legacy-peer-deps=false", False),
        ("# legacy-peer-deps=true\nx-legacy-peer-deps=true", False),
    ],
)
def test_a_setting_says_that_peers_were_passed_over(settings: str, expected: bool) -> None:
    lock = json.dumps(lock_of(a={"version": "1.0.0"}))
    found = parse_javascript(json.dumps(PACKAGE), lock, settings_text=settings)
    assert found is not None
    assert found.legacy_peers is expected


def test_a_lock_that_was_not_renewed_is_refused() -> None:
    entry = {"version": "1.0.0", "integrity": INTEGRITY}
    package = {
        "dependencies": {"a": "1", "b": "file:../b", "c": "1"},
        "optionalDependencies": {"c": "1"},
    }
    assert errors_of(package, lock_of(a=entry)) == [
        "package-lock.json: 'b' of package.json is not in it: renew it with "
        "'npm install --package-lock-only'"
    ]


def test_without_dependencies_no_lock_is_needed() -> None:
    assert parse_javascript('{"type": "module"}', None) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 100_000, "1", '{"a": ' + "1" * 5000 + "}", '{"a": NaN}']
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidPackage):
        parse_javascript(text, None)


def test_a_missing_or_old_lock_says_how_to_make_one() -> None:
    for lock in (None, {"lockfileVersion": 1, "dependencies": {}}, {"lockfileVersion": 3}, []):
        (told,) = errors_of(PACKAGE, lock)
        assert told.startswith("package-lock.json: ")
    assert "npm install --package-lock-only" in errors_of(PACKAGE, None)[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"resolved": "git+ssh://git@example.org/x.git"}, "no version control"),
        ({"resolved": "file:../x"}, "no files"),
        ({"resolved": "/etc/passwd"}, "no files"),
        ({"resolved": 1}, "packages of the registry"),
        ({"resolved": "https://example.org/a.tgz"}, "no URLs"),
        ({"link": True}, "folders are not installed"),
        (
            {"integrity": "sha1-x"},
            "digest: make the lock anew with 'rm -rf package-lock.json npm-shr",
        ),
        ({"integrity": "md5-1B2M2Y8AsgTpgAmY7PhCfg=="}, "digest: make the lock anew"),
        ({"integrity": 1}, "digest: make the lock anew"),
        ({"version": "../1"}, "no version"),
        ({"version": None}, "no version"),
        ({"name": "../../etc"}, "no name"),
        ({"name": "@a/b/c"}, "no name"),
    ],
)
def test_what_can_not_be_had_from_the_registry_is_refused(
    change: dict[str, Any], reason: str
) -> None:
    entry = {"version": "1.0.0", "integrity": INTEGRITY, **change}
    package = {**PACKAGE, "overrides": {"b": {"a": "https://example.org/a.tgz"}}}
    (told,) = errors_of(package, lock_of(a=entry))
    assert told.startswith("package-lock.json: 'node_modules/a': ")
    assert reason in told


@pytest.mark.parametrize(
    "integrity",
    [
        None,
        "",
        "sha1-" + "A" * 27 + "=",
        "sha384-" + "A" * 64,
        "sha1-x " + INTEGRITY,
        INTEGRITY + "?option",
    ],
)
def test_digests_that_npm_takes_are_taken(integrity: str | None) -> None:
    entry = {"version": "1.0.0", "integrity": integrity}
    found = parse_javascript(json.dumps(PACKAGE), json.dumps(lock_of(a=entry)))
    assert found is not None
    assert found.modules["node_modules/a"].integrity == (integrity or "")


def test_of_several_digests_the_strongest_count() -> None:
    other = "sha512-" + "B" * 85 + "A=="
    algorithm, digests = parse_integrity(f"sha1-{'A' * 27}= {INTEGRITY} {other} md5-x sha512-AAAA")
    assert algorithm == "sha512"
    assert len(digests) == 2
    assert "0" * 128 in digests


def test_places_outside_node_modules_are_refused() -> None:
    entry = {"version": "1.0.0", "integrity": INTEGRITY}
    lock = {"lockfileVersion": 3, "packages": {"packages/a": entry, "node_modules/../a": entry}}
    assert len(errors_of({**PACKAGE, "workspaces": ["packages/*"]}, lock)) == 3


_KEYS = st.one_of(
    st.sampled_from(["", "a", "node_modules/a", "packages", "dependencies", "version", "link"]),
    st.sampled_from(["integrity", "resolved", "name", "dev", "inBundle", "overrides"]),
    st.sampled_from(["lockfileVersion", "optionalDependencies", "hasInstallScript"]),
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("https://x/a.tgz"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=5), _VALUES)
def test_no_lock_makes_it_stumble(package: Any, entries: Any) -> None:
    lock = {"lockfileVersion": 3, "packages": entries}
    with contextlib.suppress(InvalidPackage):
        found = parse_javascript(
            json.dumps({"dependencies": {"a": "1"}, **package}), json.dumps(lock)
        )
        assert found is None or all(module.version for module in found.modules.values())
