"""Commands ``gc`` and ``fsck``: findings as lines, numbers in words, safe grace times."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from au2.app.maintenance.fsck import Finding, IntegrityReport
from au2.console.console import standard_console
from au2.server.commands.maintenance import _block, _summary, gc, show_block
from au2.stores.database.content.roots import RootKind

OPTIONS = "--data-dir /var/lib/au2"


def test_a_finding_is_lines_that_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding("sha256:ab", "damaged", hits={"version 1": RootKind.VERSION})
    show_block(standard_console(has_input=False), _block(finding, OPTIONS))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["blob:     sha256:ab", "problem:  damaged", "hits:     version 1"]
    assert lines[3].startswith(f"advice:   au2-server fsck --remove-damaged {OPTIONS}, then upload")


def test_a_layer_that_came_compressed_is_mended_as_it_came() -> None:
    hits = {"version 1": RootKind.VERSION}
    advice = Finding("sha256:ab", "damaged", hits=hits, is_compressed=True).advise()
    assert "same compressed bytes" in advice
    assert "upload the same image or package" not in advice


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (
            1,
            "1 image was looked at, 1 blob was read. 1 damaged one was removed. "
            "1 unpacked layer belongs to no image",
        ),
        (
            2,
            "2 images were looked at, 2 blobs were read. 2 damaged ones were removed. "
            "2 unpacked layers belong to no image",
        ),
    ],
)
def test_numbers_in_words(number: int, text: str) -> None:
    assert text in _summary(IntegrityReport((), number, number, number), number, OPTIONS)


@pytest.mark.parametrize("grace", ["59m", "10", "soon", "0"])
def test_a_grace_time_that_is_not_safe_is_refused(tmp_path: Path, grace: str) -> None:
    result = CliRunner().invoke(gc, ["--data-dir", str(tmp_path), "--grace", grace])
    assert result.exit_code == 2
    assert "--grace" in result.output
