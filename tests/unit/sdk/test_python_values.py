"""Outputs of values that JSON has no form for: the standard library's and data libraries'."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sdk.python_code import Code

STANDARD = """\
import dataclasses, datetime as dt, decimal, enum, pathlib, uuid, ipaddress, collections, array
class Color(enum.Enum):
    RED = "red"
class Level(enum.IntEnum):
    HIGH = 3
@dataclasses.dataclass
class Point:
    x: float
    when: dt.date
Pair = collections.namedtuple("Pair", "a b")
"""
NUMPY = "import numpy as np\n"
PANDAS = "import numpy as np\nimport pandas as pd\n"
PYDANTIC = """\
import datetime, decimal, typing
import numpy as np
from pydantic import BaseModel, ConfigDict, RootModel, SecretStr
class Inner(BaseModel):
    when: datetime.date
class Model(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    inner: Inner
    price: decimal.Decimal = decimal.Decimal("1.50")
    values: typing.Any = None
class Names(RootModel[typing.Dict[str, int]]):
    pass
"""


@pytest.fixture
def code(tmp_path: Path) -> Code:
    return Code(tmp_path)


def written(code: Code, before: str, *values: str) -> list[Any]:
    """Write each value as the output's ``v``, all in one process: data libraries import slowly."""
    lines = [
        f"aunsight.write_output({{'v': {value}}}); print(open('output.json').read())"
        for value in values
    ]
    shown = code.ok(before + "\n".join(lines), PYTHONIOENCODING="utf-8")
    return [json.loads(line)["v"] for line in shown.splitlines()]


def refused(code: Code, before: str, *outputs: str) -> list[str]:
    """Return the errors of outputs, type and message."""
    lines = "".join(
        f"try:\n    aunsight.write_output({output})\n    print('written')\n"
        "except Exception as e:\n    print(type(e).__name__ + ': ' + str(e))\n"
        for output in outputs
    )
    return code.ok(before + lines, PYTHONIOENCODING="utf-8").splitlines()


STANDARD_VALUES: list[tuple[str, Any]] = [
    ("dt.datetime(2026, 1, 2, 3, 4, 5)", "2026-01-02T03:04:05"),
    ("dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)", "2026-01-02T00:00:00+00:00"),
    ("dt.date(2026, 1, 2)", "2026-01-02"),
    ("dt.time(3, 4)", "03:04:00"),
    ("dt.timedelta(minutes=1.5)", 90.0),
    ("[decimal.Decimal('19.99'), decimal.Decimal('3.00')]", [19.99, 3]),
    ("decimal.Decimal(10) ** 20", 1e20),
    ("pathlib.PurePosixPath('/a/b')", "/a/b"),
    ("uuid.UUID(int=0)", "00000000-0000-0000-0000-000000000000"),
    ("ipaddress.ip_address('::1')", "::1"),
    ("[Color.RED, Level.HIGH, decimal.Decimal(1)]", ["red", 3, 1]),
    ("{'b', 'a', 'c'}", ["a", "b", "c"]),
    ("frozenset({2, 'a', 1})", [1, 2, "a"]),
    ("Point(1.5, dt.date(2026, 1, 2))", {"x": 1.5, "when": "2026-01-02"}),
    ("[Pair(1, {2}), (3, {4})]", [[1, [2]], [3, [4]]]),
    ("[range(2), collections.deque([1, {2}]), {'a': 1}.values()]", [[0, 1], [1, [2]], [1]]),
    ("array.array('d', [1, 2])", [1.0, 2.0]),
    ("{1: {2}, True: 3, 'x': 4}", {"1": 3, "x": 4}),  # 1 and True are one key.
    (
        "{dt.date(2026, 1, 2): 1, Color.RED: 2, None: 3, 1.5: 4, Level.HIGH: 5}",
        {"2026-01-02": 1, "red": 2, "null": 3, "1.5": 4, "3": 5},
    ),
    ("collections.OrderedDict(a=collections.ChainMap({'b': {1}}))", {"a": {"b": [1]}}),
    ("[None, True, 1, 1.5, 'ü', {1}]", [None, True, 1, 1.5, "ü", [1]]),
]


def test_values_of_the_standard_library(code: Code) -> None:
    values, expected = zip(*STANDARD_VALUES, strict=True)
    assert written(code, STANDARD, *values) == list(expected)


NUMPY_VALUES: list[tuple[str, Any]] = [
    ("[np.int64(1), np.uint8(2), np.bool_(True), np.str_('a')]", [1, 2, True, "a"]),
    ("[np.float64(1.5), np.float32(0.5), np.longdouble(2), np.float16(0)]", [1.5, 0.5, 2, 0]),
    ("np.arange(6).reshape(2, 3)", [[0, 1, 2], [3, 4, 5]]),
    ("[np.array(3), np.zeros((0, 2))]", [3, []]),
    ("np.array(['a', None, {1}], dtype=object)", ["a", None, [1]]),
    ("np.datetime64('2026-01-02')", "2026-01-02"),
    ("np.datetime64('2026-01-02T03:04:05.123456789')", "2026-01-02T03:04:05.123456"),
    ("np.array(['2026-01-02T03', 'NaT'], dtype='M8[ns]')", ["2026-01-02T03:00:00", None]),
    ("np.array([1500, 'NaT'], dtype='m8[ms]')", [1.5, None]),
    ("[np.timedelta64(2, 'm'), np.timedelta64(2, 'ns')]", [120.0, 0.0]),
    ("np.array([(1, 'a')], dtype=[('n', int), ('t', 'U1')])", [{"n": 1, "t": "a"}]),
    ("np.ma.array([1, 2], mask=[0, 1])", [1, None]),
    ("{np.int64(3): np.int64(4)}", {"3": 4}),
]


def test_values_of_numpy(code: Code) -> None:
    values, expected = zip(*NUMPY_VALUES, strict=True)
    assert written(code, NUMPY, *values) == list(expected)


PANDAS_VALUES: list[tuple[str, Any]] = [
    ("pd.Series([1, 2])", [1, 2]),
    ("pd.Series([1.5, None, float('nan')])", [1.5, None, None]),
    ("pd.Series([1, 2, 3])[lambda s: s > 1]", [2, 3]),
    ("pd.Series({'a': 1, 'b': 2})", {"a": 1, "b": 2}),
    ("pd.Series(['x', 'x', 'y']).value_counts()", {"x": 2, "y": 1}),
    ("pd.Series([1, None], dtype='Int64')", [1, None]),
    ("pd.Series(['a', None], dtype='category')", ["a", None]),
    ("[pd.Timestamp('2026-01-02T03:04'), pd.NaT, pd.NA]", ["2026-01-02T03:04:00", None, None]),
    ("[pd.Timedelta('90s'), pd.Period('2026-01')]", [90.0, "2026-01"]),
    ("pd.Timestamp('2026-01-02', tz='UTC')", "2026-01-02T00:00:00+00:00"),
    ("pd.Index(['a', 'b'])", ["a", "b"]),
    ("pd.Categorical(['a', None])", ["a", None]),
    ("pd.Series([1], index=pd.to_datetime(['2026-01-02']))", {"2026-01-02T00:00:00": 1}),
    (
        "pd.DataFrame({'n': [1, 2], 't': ['a', None]})",
        [{"n": 1, "t": "a"}, {"n": 2, "t": None}],
    ),
    ("pd.DataFrame({'n': [1.5]}, index=['mean'])", [{"index": "mean", "n": 1.5}]),
    (
        "pd.DataFrame({'y': [2, 1, 2], 'v': [1, 2, 3]}).groupby('y').sum()",
        [{"y": 1, "v": 2}, {"y": 2, "v": 4}],
    ),
    (
        "pd.DataFrame({'v': [1]}, index=pd.MultiIndex.from_tuples([('a', 1)]))",
        [{"level_0": "a", "level_1": 1, "v": 1}],
    ),
    ("pd.DataFrame({2020: [1]})", [{"2020": 1}]),
    ("pd.DataFrame()", []),
    ("{'deep': [pd.DataFrame({'s': [{1}]})]}", {"deep": [[{"s": [1]}]]}),
]


def test_values_of_pandas(code: Code) -> None:
    values, expected = zip(*PANDAS_VALUES, strict=True)
    assert written(code, PANDAS, *values) == list(expected)


def test_models_of_pydantic(code: Code) -> None:
    inner = "Inner(when='2026-01-02')"
    plain = {"inner": {"when": "2026-01-02"}, "price": "1.50", "values": None}
    secret = "class Login(BaseModel):\n    key: SecretStr\n"
    made = [
        f"Model(inner={inner})",
        f"Model(inner={inner}, values=np.arange(2))",
        "Names({'a': 1})",
        "Login(key='hidden')",
    ]
    with_array = {"inner": {"when": "2026-01-02"}, "price": "1.50", "values": [0, 1]}
    assert written(code, PYDANTIC + secret, *made) == [
        plain,
        with_array,
        {"a": 1},
        {"key": "**********"},
    ]


def test_the_output_itself_may_be_an_object_of_any_kind(code: Code) -> None:
    output = code.folder / "output.json"
    code.ok(f"{STANDARD}aunsight.write_output(Point(1, dt.date(2026, 1, 2)))")
    assert json.loads(output.read_text()) == {"x": 1, "when": "2026-01-02"}
    code.ok(f"{PYDANTIC}aunsight.write_output(Inner(when='2026-01-02'))")
    assert json.loads(output.read_text()) == {"when": "2026-01-02"}
    code.ok(f"{PANDAS}aunsight.write_output(pd.Series({{'a': 1}}))")
    assert json.loads(output.read_text()) == {"a": 1}
    output.unlink()
    errors = refused(code, PANDAS, "pd.DataFrame({'a': [1]})", "object()", "dict", "None")
    assert errors == [
        "TypeError: the output must be a mapping, not DataFrame",
        "TypeError: the output can't be encoded as JSON: it is of type object; "
        "make it a dictionary",
        "TypeError: the output can't be encoded as JSON: it is the class dict; "
        "make it a dictionary",
        "TypeError: the output must be a mapping, not NoneType",
    ]
    assert not output.exists()


WITHOUT_A_FORM: list[tuple[str, str]] = [
    ("{'scores': [1, float('nan')]}", "ValueError: {e}: '/scores/1' is NaN, which no number"),
    ("{'a': {'b': float('-inf')}}", "ValueError: {e}: '/a/b' is infinite"),
    ("{'a': np.array([[1, np.nan]])}", "ValueError: {e}: '/a/0/1' is NaN"),
    ("{'a': np.float32('inf')}", "ValueError: {e}: '/a' is infinite"),
    ("{'a': pd.DataFrame({'x': [1, np.inf]})}", "ValueError: {e}: '/a/1/x' is infinite"),
    ("{'a': decimal.Decimal('NaN')}", "ValueError: {e}: '/a' is NaN"),
    ("{'a': decimal.Decimal('sNaN')}", "ValueError: {e}: '/a' is NaN"),
    ("{'a': decimal.Decimal('1e999')}", "ValueError: {e}: '/a' is infinite"),
    ("{'img': [b'x']}", "TypeError: {e}: '/img/0' is of type bytes, and JSON has no bytes; ba"),
    ("{'a': np.array([b'x'])}", "TypeError: {e}: '/a/0' is of type bytes"),
    ("{'a': bytearray(1)}", "'/a' is of type bytearray"),
    ("{'a': 1j}", "TypeError: {e}: '/a' is a complex number"),
    ("{'a': np.complex64(1)}", "TypeError: {e}: '/a' is a complex number"),
    ("{'a/b': {'c~': object()}}", "TypeError: {e}: '/a~1b/c~0' is of type object; make it te"),
    ("{'f': print}", "'/f' is of type builtin_function_or_method"),
    ("{'f': (n for n in [1])}", "'/f' is of type generator"),
    ("{'c': Color}", "'/c' is the class __main__.Color"),
    ("{'a': {(1, 2): 3}}", "TypeError: {e}: '/a' has of type tuple as a key: (1, 2); make"),
    ("{'a': {1: {2}, '1': 3}}", "ValueError: {e}: '/a/1' is there twice"),
    ("{'a': pd.Series([1, 2], index=['x', 'x'])}", "ValueError: {e}: '/a/x' is there twice"),
    ("{'a': '\\udcff'}", "ValueError: {e}: '/a' has a lone surrogate"),
    ("{'\\udcff': 1}", "ValueError: {e}: '/\\udcff' has a lone surrogate"),
    ("{'a\\nb': object()}", "TypeError: {e}: '/a\\nb' is of type object"),
    ("{'a': 1 << 20_000}", "ValueError: {e}: '/a' is an integer of more than 4,000 digits"),
    ("(lambda d: d.update(d=d) or d)({})", "is nested deeper than 100 levels: does it contain"),
    ("(lambda l: l.append(l) or {'l': l})([])", "is nested deeper than 100 levels"),
]


def test_the_place_of_a_value_without_a_form_is_named(code: Code) -> None:
    outputs, expected = zip(*WITHOUT_A_FORM, strict=True)
    errors = refused(code, STANDARD + PANDAS, *outputs)
    for output, error, said in zip(outputs, errors, expected, strict=True):
        assert said.format(e="the output can't be encoded as JSON") in error, output
        assert error.isprintable()
    assert not (code.folder / "output.json").exists()


def test_an_array_in_a_model_is_named_too(code: Code) -> None:
    value = "{'m': Model(inner=Inner(when='2026-01-02'), values=[np.array([np.nan])])}"
    assert "'/m/values/0/0' is NaN" in code.error(f"{PYDANTIC}aunsight.write_output({value})")


def test_no_library_is_imported_for_it(code: Code) -> None:
    lines = (
        "import sys, pathlib\naunsight.write_output({'a': 1})\n"
        "print('aunsight._json_values' in sys.modules)\n"
        "aunsight.write_output({'a': pathlib.Path('b')})\n"
        "print(sorted({'numpy', 'pandas', 'pydantic', 'uuid'} & sys.modules.keys()))"
    )
    assert code.ok(lines) == "False\n[]\n"


def test_modules_of_the_same_name_do_no_harm(code: Code) -> None:
    (code.folder / "numpy.py").write_text("generic = 'mine'\n")
    (code.folder / "pandas.py").write_text("")
    lines = "import sys; sys.path.insert(0, '')\nimport numpy, pandas\n"
    assert written(code, lines, "{1, 2}") == [[1, 2]]


def test_a_status_with_half_a_character_is_shown(code: Code) -> None:
    code.ok("aunsight.status('a\\udcff')")
    assert json.loads((code.folder / "status.json").read_text()) == {"text": "a?"}
