"""Platforms as tools write them, and which of several images a machine runs best."""

import itertools
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.oci.spec.platform import (
    Platform,
    describe_mismatch,
    find_platform,
    find_x86_level,
    parse_platform,
    rank,
)

V1 = ["fpu", "lm", "sse2", "syscall"]
V2 = [*V1, *["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"]]
V3 = [*V2, *["abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"]]
V4 = [*V3, *["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]]
LEVELS = {"v1": V1, "v2": V2, "v3": V3, "v4": V4}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        # The table of containerd/platforms, "Normalization".
        (("linux", "aarch64", ""), "linux/arm64"),
        (("linux", "armhf", ""), "linux/arm"),
        (("linux", "armel", ""), "linux/arm/v6"),
        (("linux", "i386", ""), "linux/386"),
        (("linux", "x86_64", ""), "linux/amd64"),
        (("linux", "x86-64", ""), "linux/amd64"),
        (("linux", "arm64", "8"), "linux/arm64"),
        (("linux", "arm64", "v8"), "linux/arm64"),
        (("linux", "arm", "7"), "linux/arm"),
        (("linux", "arm", "v6"), "linux/arm/v6"),
        (("macos", "amd64", ""), "darwin/amd64"),
        (("linux", "amd64", "v1"), "linux/amd64"),
        (("linux", "amd64", "V3"), "linux/amd64/v3"),
        # In any case, with parts left out.
        (("Linux", "AMD64", "3"), "linux/amd64/v3"),
        (("", "X86_64", ""), "linux/amd64"),
        (("", "", ""), "linux"),
        (("linux", "arm64", "v8.0"), "linux/arm64"),
        (("linux", "arm64", "v9"), "linux/arm64/v9"),
        (("linux", "riscv64", ""), "linux/riscv64"),
    ],
)
def test_names(told: tuple[str, str, str], shown: str) -> None:
    platform = parse_platform(*told)
    assert str(platform) == shown
    assert parse_platform(*platform) == platform


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_a_platform(os: str, architecture: str, variant: str) -> None:
    platform = parse_platform(os, architecture, variant)
    assert parse_platform(*platform) == platform
    rank(platform, parse_platform("linux", "amd64", "v3"))


@pytest.mark.parametrize("machine", ["", "v2", "v3", "v4"])
def test_the_highest_level_that_the_processor_runs(machine: str) -> None:
    runs = {"": ["", "v1"], "v2": ["", "v1", "v2"], "v3": ["", "v1", "v2", "v3"]}
    all_levels = ["", "v1", "v2", "v3", "v4"]
    here = parse_platform("linux", "amd64", machine)
    ranks = {level: rank(parse_platform("linux", "amd64", level), here) for level in all_levels}
    assert [level for level in all_levels if ranks[level] is not None] == runs.get(
        machine, all_levels
    )
    fitting = [fit for fit in ranks.values() if fit is not None]
    assert fitting == sorted(fitting)


@pytest.mark.parametrize(
    ("image", "machine", "fits"),
    [
        (("linux", "", ""), ("linux", "amd64", "v3"), True),
        (("linux", "amd64", "v8"), ("linux", "amd64", "v3"), False),
        (("linux", "amd64", "x"), ("linux", "amd64", "v3"), False),
        (("windows", "amd64", ""), ("linux", "amd64", ""), False),
        (("unknown", "unknown", ""), ("linux", "amd64", ""), False),
        (("linux", "arm64", ""), ("linux", "arm64", ""), True),
        (("linux", "arm64", "v9"), ("linux", "arm64", ""), False),
        (("linux", "arm", "v6"), ("linux", "arm", "v7"), True),
        (("linux", "arm", ""), ("linux", "arm", "v6"), False),
        (("linux", "arm", "v5"), ("linux", "arm", "v6"), True),
        (("linux", "riscv64", ""), ("linux", "riscv64", ""), True),
    ],
)
def test_what_fits(image: tuple[str, ...], machine: tuple[str, ...], fits: bool) -> None:
    assert (rank(parse_platform(*image), parse_platform(*machine)) is not None) is fits


def test_the_better_image_has_the_higher_rank() -> None:
    here = parse_platform("linux", "arm", "v7")
    ranks = [rank(parse_platform("linux", "arm", level), here) for level in ("v5", "v6", "v7")]
    assert ranks == sorted(set(ranks), key=lambda fit: fit or 0)


def test_sentences() -> None:
    here = Platform("linux", "amd64", "v3")
    only = [parse_platform("linux", "amd64", "v4"), parse_platform("unknown", "unknown")]
    assert describe_mismatch(only, here) == (
        "the processor of this server is linux/amd64/v3, and can't run the image, which is there "
        "for: linux/amd64/v4"
    )
    other = [parse_platform("linux", "arm64"), parse_platform("windows", "amd64")]
    assert describe_mismatch(other, here) == (
        "the image is not there for linux/amd64, only for: linux/arm64, windows/amd64"
    )
    assert describe_mismatch([], here).endswith("only for: nothing")


# -- this machine ---------------------------------------------------------------------------------


def cpu_info(*processors: list[str]) -> str:
    return "\n\n".join(f"processor\t: 0\nflags\t\t: {' '.join(flags)}" for flags in processors)


@pytest.mark.parametrize("level", LEVELS)
def test_levels_by_flags(level: str) -> None:
    assert find_x86_level(cpu_info(LEVELS[level])) == level


def test_each_flag_of_a_level_counts() -> None:
    for (below, lower), (_, upper) in itertools.pairwise(LEVELS.items()):
        for flag in set(upper) - set(lower):
            assert find_x86_level(cpu_info([name for name in upper if name != flag])) == below


def test_a_machine_is_what_all_its_processors_are() -> None:
    assert find_x86_level(cpu_info(V4, V3, V4)) == "v3"
    assert find_x86_level("") == "v1"
    assert find_x86_level("flags\t\t:\n") == "v1"


def test_this_machine_is_what_the_c_library_takes_it_for() -> None:
    loader = Path("/lib64/ld-linux-x86-64.so.2")
    if not loader.exists():
        assert find_platform().architecture != "amd64"
        return
    told = subprocess.run([loader, "--help"], capture_output=True, text=True, check=True).stdout
    supported = [
        line.split()[0].removeprefix("x86-64-")
        for line in told.splitlines()
        if line.strip().startswith("x86-64-v") and "(supported" in line
    ]
    assert find_platform() == parse_platform("linux", "amd64", max(supported, default="v1"))
