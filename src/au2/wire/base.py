"""Wire types: the base classes of all records that travel over HTTP.

A wire type is defined once and used on both sides. The client reads and writes it with
:mod:`au2.wire.documents` alone: importing pydantic and building its models would take longer than
most commands. The server hands the same class to pydantic and FastAPI, which find the schema
through ``__get_pydantic_core_schema__``: a plain mapping, so nothing of pydantic is imported here.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self, dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True)
class WireType:
    """Immutable record with annotated fields; class attributes are the defaults."""

    # pydantic notes here what it read; so it does not come among the fields, in __dict__.
    __slots__ = (
        "__dict__",
        "__pydantic_extra__",
        "__pydantic_fields_set__",
        "__pydantic_private__",
    )

    fields_: ClassVar[dict[str, Any]] = {}
    """Name → annotation, also of inherited fields."""
    hidden_: ClassVar[frozenset[str]] = frozenset()
    """Fields whose values stay out of ``repr``."""
    extra_: ClassVar[str] = "ignore"
    """``ignore`` or ``forbid``: treatment of unknown fields."""
    model_config: ClassVar[dict[str, Any]] = {}
    defaults_: ClassVar[dict[str, Any]] = {}
    copied_: ClassVar[tuple[str, ...]] = ()
    """Fields whose default could be changed, so that each record gets a copy."""

    def __init_subclass__(cls) -> None:
        """Gather the fields."""
        own = {name: kind for name, kind in cls.__annotations__.items() if not name.endswith("_")}
        cls.fields_ = {**cls.fields_, **own}
        cls.defaults_ = {name: getattr(cls, name) for name in cls.fields_ if hasattr(cls, name)}
        changeable = (name for name, value in cls.defaults_.items() if value in ([], {}))
        cls.copied_ = tuple(changeable)
        cls.model_config = {"extra": cls.extra_}  # Read where pydantic makes JSON Schema of it.

    def __init__(self, **given: Any) -> None:
        """Set the fields; values are not checked (that is :mod:`au2.wire.violations`)."""
        values = {**self.defaults_, **given}
        if values.keys() != self.fields_.keys():
            wrong = ", ".join(values.keys() ^ self.fields_.keys())
            raise TypeError(f"{type(self).__name__}: missing or unknown: {wrong}")
        for name in self.copied_:
            if name not in given:
                values[name] = values[name].copy()
        # In the order of the fields, which is that of the JSON object.
        self.__dict__.update((name, values[name]) for name in self.fields_)

    def replaced(self, **changes: Any) -> Self:
        """Return the record with other values in some fields."""
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse every change."""
        raise AttributeError(f"{type(self).__name__}.{name} can't be changed")

    def __eq__(self, other: object) -> bool:
        """Whether both are of one type and have equal values."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        """Return a number from the values, which must be hashable."""
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        """Return type and values, without those of hidden fields."""
        shown = (f"{k}={v!r}" for k, v in self.__dict__.items() if k not in self.hidden_)
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> dict[str, Any]:
        """Return the schema by which pydantic checks and writes the record."""
        fields = {
            name: {"type": "model-field", "schema": cls._schema_of(name, handler)}
            for name in cls.fields_
        }
        return {
            "type": "model",
            "cls": cls,
            "schema": {
                "type": "model-fields",
                "model_name": cls.__name__,
                "fields": fields,
                "extra_behavior": cls.extra_,
            },
            "config": {"title": cls.__name__},
            "ref": f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """Return the JSON Schema, with the docstrings below the fields as descriptions."""
        from au2.wire.descriptions import describe_fields  # noqa: PLC0415 - server only

        made: dict[str, Any] = handler(schema)
        describe_fields(cls, handler.resolve_ref_schema(made))
        return made

    @classmethod
    def _schema_of(cls, name: str, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = handler.generate_schema(cls.fields_[name])
        if name not in cls.defaults_:
            return schema
        default = cls.defaults_[name]
        return {"type": "default", "schema": schema, "default": default, "copy_default": True}


class RequestType(WireType):
    """Body of a request, or a part of the body. Unknown fields are violations."""

    extra_ = "forbid"


class ResponseType(WireType):
    """Body of a response, or a part of the body.

    Unknown fields are ignored, so an older client understands a newer server.
    """


class Limits:
    """Bounds of a field, checked where a request is received: ``Annotated[str, Limits(…)]``."""

    def __init__(self, *, pattern: str | None = None, **bounds: int | float) -> None:
        """Take bounds by pydantic's names, like ``min_length``, ``pattern`` and ``ge``."""
        self.pattern = pattern
        self._bounds = bounds if pattern is None else {"pattern": pattern, **bounds}

    def __get_pydantic_core_schema__(
        self, source: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the schema of the type with these bounds."""
        return {**handler(source), **self._bounds}
