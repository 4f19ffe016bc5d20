import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidPackage
from au2.domain.jobs.container_contract import Language
from au2.package import template
from au2.package.manifest import parse_manifest
from au2.package.process_ids import set_process_id, without_process_ids

A = "20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0"
B = "8283de3e-2cce-4bc8-a523-0c7f84399530"
C = "eadf98c2-8e85-46ae-b81a-640d9d326109"

TEXTS = [
    "name: a\nruntime: r\n",
    "name: a\nruntime: r",
    "# above\nname: a   # beside\n\nruntime: r\n\n# below\n",
    "name: a\nruntime: r\ndescription: |\n  text\n  # no comment\n\n\n# comment\n",
    "name: a\nruntime: r\ndescription: |+\n  text\n\n",
    "---\nname: a\nruntime: r\n...\n",
    "name: a\r\nruntime: r\r\n",
    "name: a\nruntime: r\nresources:\n  cpu: 1\n  # more\n",
    "name: a\nruntime: r\nprocesses:\n",
    "name: a\nruntime: r\nprocesses: {}\n# end\n",
    f"name: a\nprocesses: {{{C}: {C}}}\nruntime: r\n",
    f"name: a\nprocesses:\n    {C}: {C}  # ours\n\n# about the runtime\nruntime: r\n",
    f'name: a\nruntime: r\nprocesses:\n  "{A}": "{C}"\n',
    f"name: a\nruntime: r\nprocesses:\n  {A}:\n",
    f"name: a\nruntime: r\nprocesses:\n  {A}:\n    {C}\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_ids_come_and_go(text: str) -> None:
    before = without_process_ids(text)
    changed = set_process_id(set_process_id(text, A, B), f"{A}/{B}", C)
    processes = parse_manifest(changed).processes
    assert (processes[A], processes[f"{A}/{B}"]) == (B, C)
    assert without_process_ids(changed) == before
    assert parse_manifest(before).processes == {}
    again = set_process_id(changed, A, B)
    assert again == changed


@pytest.mark.parametrize("text", TEXTS)
def test_comments_stay(text: str) -> None:
    changed = set_process_id(text, A, B)
    for line in text.splitlines():
        if "#" in line:
            assert line in changed.splitlines()


def test_other_ids_stay() -> None:
    text = f"name: a\nruntime: r\nprocesses:\n  {B}: {C} # b\n  {A}: {C} # a\n"
    changed = f"name: a\nruntime: r\nprocesses:\n  {B}: {C} # b\n  {A}: {B} # a\n"
    assert set_process_id(text, A, B) == changed


@pytest.mark.parametrize(
    "text",
    ["{name: a, runtime: r}", "[]", "", "a: [", f"x: &x {{{A}: {C}}}\nname: a\nprocesses: *x\n"],
)
def test_what_can_not_be_edited_is_refused(text: str) -> None:
    with pytest.raises(InvalidPackage):
        set_process_id(text, A, B)


@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    description=st.text(st.characters(codec="utf-8"), max_size=60),
)
def test_any_template_can_be_edited(name: str, description: str) -> None:
    files = template.make_files(
        name=name, description=description, runtime="r", language=Language.PYTHON
    )
    text = files["aunsight.yml"]
    assert without_process_ids(set_process_id(text, A, B)) == without_process_ids(text) == text
