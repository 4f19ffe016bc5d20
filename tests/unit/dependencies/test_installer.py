from au2.dependencies.installer import BuiltWheel, Lock, LockedPackage, parse_lock

BUILT = BuiltWheel("raw-1-py3-none-any.whl", "sha256:1", "raw-1.tar.gz", "sha256:2")


def test_a_lock_comes_back_as_it_was_written() -> None:
    lock = Lock(
        "uv 1",
        "sha256:0",
        context_only=True,
        packages=(
            LockedPackage("raw", "1", BUILT.file, BUILT.digest, "raw-1.tar.gz", "sha256:2"),
            LockedPackage("six", "2", "six-2-py3-none-any.whl", "sha256:3"),
        ),
        from_runtime={"torch": "2.13.0+cpu"},
    )
    assert parse_lock(lock.to_document()) == lock
    assert [package.built for package in lock.packages] == [BUILT, None]


def test_a_lock_of_another_time_is_none() -> None:
    assert parse_lock({"format": 0}) is None
    assert parse_lock({}) is None
