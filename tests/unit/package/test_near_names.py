import pytest

from au2.package import names
from au2.package.names import find_near_names


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("env.yaml", "env.yml"), ("Env.yml", "env.yml"), ("environment.yml", "env.yml")),
        *((f"args.schema.{ending}", "args.schema.yml") for ending in ("yaml", "json", "YML")),
        *(
            (f"{name}.yml", "args.schema.yml")
            for name in ("arg.schema", "args-schema", "args_schema")
        ),
        *(
            (f"{name}.yml", "args.schema.yml")
            for name in ("args.shema", "argsschema", "args.schmea")
        ),
        *(
            (f"{name}.yml", "out.schema.yml")
            for name in ("output.schema", "out.scheme", "Out.Schema")
        ),
        *(("Before.sh", "before.sh"), ("AFTER.SH", "after.sh"), ("befor.sh", "before.sh")),
        *(("Requirements.txt", "requirements.txt"), ("requirement.txt", "requirements.txt")),
        *(("requirements.TXT", "requirements.txt"), ("Package.json", "package.json")),
        *(("package_lock.json", "package-lock.json"), (".auIgnore", ".auignore")),
        *(
            (".aunignore", ".auignore"),
            ("auignore", ".auignore"),
            ("aunsight.yaml", "aunsight.yml"),
        ),
        *(("aunsigth.yml", "aunsight.yml"), ("Main.py", "main.py"), ("main.R", "main.r")),
    ],
)
def test_near_names(name: str, meant: str) -> None:
    assert find_near_names([name, "lib/x"]) == {name: meant}
    there = [name, meant]
    assert find_near_names(there) == {}, "with the right one there, it is another file"


@pytest.mark.parametrize(
    "name",
    [
        *("en.yml", "env.py", "envs.yml", "requirements-dev.txt", "requirements.in", "domain.py"),
        *(
            "schema.yml",
            "before.py",
            "after.txt",
            "mains.py",
            "package.py",
            ".gitignore",
            "end.yml",
        ),
        *("lib/env.yaml", "lib/Before.sh", "ignore", "README.md", "data.json", "main.yml"),
    ],
)
def test_names_of_other_files(name: str) -> None:
    assert find_near_names([name]) == {}


def test_right_names_are_no_near_ones() -> None:
    assert find_near_names(names.NEVER_IGNORED) == {}
    assert find_near_names(["main.py", "Main.js", "main.R"]) == {}
