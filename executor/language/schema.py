"""Arc's schema format: what the columns of a data set are and how text becomes their values (reference: docs/stages.md)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from executor.language import date_patterns, json_text, number_patterns
from executor.language.quoting import name_in_sql
from executor.plain import problems_of
from executor.problems import Problem, ProblemError

Patterns = TypeVar("Patterns", list[str], list[str] | None)


@cache
def _zones() -> frozenset[str]:
    """Python reads them anew from hundreds of files each time it is asked."""
    return frozenset(available_timezones())


class Column(BaseModel):
    """What all columns have. `type` tells them apart."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True, defer_build=True)
    spark_type: ClassVar[str]

    id: str | None = Field(default=None, title="Id", description="A mark of your own.")
    name: str = Field(title="Name", description="The column's name.", min_length=1)
    description: str | None = Field(default=None, title="Description", description="What the column means.")
    type: str
    metadata: dict[str, Any] = Field(default_factory=dict, title="Metadata", description="Facts of your own that stay with the column.")

    @field_validator("metadata", mode="before")
    @classmethod
    def _metadata_from_text(cls, value: Any) -> Any:
        """Arc allows the object as JSON text, too."""
        if not isinstance(value, str):
            return value
        try:
            return json_text.loads(value)
        except ValueError:
            raise PydanticCustomError("metadata-text", "The metadata is a text, but not JSON.") from None

    @field_validator("metadata")
    @classmethod
    def _metadata_of_scalars(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key, item in value.items():
            _check_metadata(key, item)
        return value

    def type_text(self) -> str:
        """Spark's word for the column's type."""
        return self.spark_type

    def spark_metadata(self) -> dict[str, Any]:
        """What is attached to the column in Spark (Arc's keys)."""
        own = {key: value for key, value in (("id", self.id), ("description", self.description)) if value is not None}
        return {**self.metadata, **own, "nullable": getattr(self, "nullable", True), "internal": False}


def _check_metadata(key: str, item: Any) -> None:
    if isinstance(item, dict):
        for inner, value in item.items():
            _check_metadata(inner, value)
    if not isinstance(item, list):
        return
    if not item:
        raise PydanticCustomError("metadata-array", "Metadata attribute '{key}' cannot contain empty `arrays`.", {"key": key})
    if any(value is None for value in item):
        raise PydanticCustomError("metadata-array", "Metadata attribute '{key}' cannot contain `null` values inside `array`.", {"key": key})
    if len({type(value) for value in item}) > 1 or isinstance(item[0], list | dict):
        raise PydanticCustomError("metadata-array", "Metadata attribute '{key}' cannot contain arrays of different types.", {"key": key})


class Scalar(Column):
    """A column of single values, and what is no value in it."""

    nullable: bool = Field(title="May be empty", description="Off: a row without a value stops the run.")
    trim: bool = Field(default=False, title="Trim", description="Cut blanks at both ends first.")
    nullable_values: list[str] = Field(
        default=[], alias="nullableValues", title="Empty values", description="Texts that mean no value, for instance NA."
    )
    null_replacement_value: str | None = Field(
        default=None, alias="nullReplacementValue", title="Instead of nothing", description="The text used where there is no value."
    )


class StringColumn(Scalar):
    """Text."""

    spark_type: ClassVar[str] = "string"
    type: Literal["string"] = "string"
    min_length: int | None = Field(default=None, alias="minLength", title="Shortest", description="Least number of characters.", ge=0)
    max_length: int | None = Field(default=None, alias="maxLength", title="Longest", description="Greatest number of characters.", ge=0)
    regex: str | None = Field(default=None, title="Pattern", description="A regular expression that the whole text must match.")
    null_is_text: bool = Field(
        default=False,
        alias="nullIsText",
        title="NULL is a text",
        description="On: NULL, \\N and (null) are texts as others, names say. Off: runs tell of those that are no empty values.",
    )

    @field_validator("regex")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        """Java's syntax is close to Python's; only what both refuse is refused here."""
        if value is not None and value.count("(") < value.count(")") - value.count("\\)"):
            raise PydanticCustomError("regex-wrong", "The regular expression is not right: a closing parenthesis without an opening one.")
        return value


class BooleanColumn(Scalar):
    """True or false."""

    spark_type: ClassVar[str] = "boolean"
    type: Literal["boolean"] = "boolean"
    true_values: list[str] = Field(alias="trueValues", title="True", description="Texts that mean true.")
    false_values: list[str] = Field(alias="falseValues", title="False", description="Texts that mean false.")

    @model_validator(mode="after")
    def _means_one_thing(self) -> BooleanColumn:
        both = [text for text in self.true_values if text in (*self.false_values, *self.nullable_values)]
        both += [text for text in self.false_values if text in self.nullable_values]
        if both:
            raise PydanticCustomError(
                "boolean-both", "The text '{text}' cannot mean two things: true, false or no value.", {"text": both[0]}
            )
        return self


def _checked_patterns(patterns: Patterns, problem: Callable[[str], str | None]) -> Patterns:
    for pattern in patterns or ():
        wrong = problem(pattern)
        if wrong:
            raise PydanticCustomError("format-wrong", "The format '{pattern}' is not right: {wrong}.", {"pattern": pattern, "wrong": wrong})
    return patterns


class NumberColumn(Scalar):
    """A number; `formatters` are patterns such as #,##0.00."""

    default_formatter: ClassVar[str] = "#,##0;-#,##0"
    formatters: list[str] | None = Field(
        default=None, title="Formats", description="Patterns such as #,##0.00; the first that fits is used."
    )

    @field_validator("formatters")
    @classmethod
    def _patterns(cls, value: list[str] | None) -> list[str] | None:
        return _checked_patterns(value, number_patterns.pattern_problem)


class IntegerColumn(NumberColumn):
    """A whole number of 32 bits."""

    spark_type: ClassVar[str] = "int"
    type: Literal["integer"] = "integer"


class LongColumn(NumberColumn):
    """A whole number of 64 bits."""

    spark_type: ClassVar[str] = "bigint"
    type: Literal["long"] = "long"


class DoubleColumn(NumberColumn):
    """A floating-point number."""

    default_formatter: ClassVar[str] = "#,##0.###;-#,##0.###"
    spark_type: ClassVar[str] = "double"
    type: Literal["double"] = "double"


class DecimalColumn(NumberColumn):
    """An exact number with a fixed count of digits."""

    default_formatter: ClassVar[str] = "#,##0.###;-#,##0.###"
    type: Literal["decimal"] = "decimal"
    precision: int = Field(title="Digits", description="Digits in all.", ge=1, le=38)
    scale: int = Field(title="Decimals", description="Digits behind the point.", ge=0, le=38)

    @model_validator(mode="after")
    def _scale_fits(self) -> DecimalColumn:
        if self.scale > self.precision:
            raise PydanticCustomError("scale-too-large", "A column cannot have more decimals than digits.")
        return self

    def type_text(self) -> str:
        return f"decimal({self.precision},{self.scale})"


class Formatted(Scalar):
    """Values written by patterns of date and time."""

    formatters: list[str] = Field(title="Formats", description="Patterns such as uuuu-MM-dd; the first that fits is used.", min_length=1)
    case_sensitive: bool = Field(default=False, alias="caseSensitive", title="Letters as written", description="On: jan is not Jan.")

    @field_validator("formatters")
    @classmethod
    def _patterns(cls, value: list[str]) -> list[str]:
        return _checked_patterns(value, date_patterns.pattern_problem)


class DateColumn(Formatted):
    """A day."""

    spark_type: ClassVar[str] = "date"
    type: Literal["date"] = "date"

    @field_validator("formatters")
    @classmethod
    def _days(cls, value: list[str]) -> list[str]:
        return _checked_patterns(value, date_patterns.day_problem)


class TimeColumn(Formatted):
    """A time of day, kept as text 13:45:00."""

    spark_type: ClassVar[str] = "string"
    type: Literal["time"] = "time"

    @field_validator("formatters")
    @classmethod
    def _clocks(cls, value: list[str]) -> list[str]:
        return _checked_patterns(value, date_patterns.clock_problem)


class Clock(BaseModel):
    """A fixed time of day for values that are only dates."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    hour: int = Field(ge=0, le=23)
    minute: int = Field(ge=0, le=59)
    second: int = Field(ge=0, le=59)
    nano: int = Field(ge=0, le=999_999_999)


class TimestampColumn(Formatted):
    """A moment. Values without a zone of their own are read in `timezoneId`."""

    spark_type: ClassVar[str] = "timestamp"
    type: Literal["timestamp"] = "timestamp"
    timezone_id: str = Field(alias="timezoneId", title="Time zone", description="For instance UTC or America/New_York.")
    time: Clock | None = Field(default=None, title="Clock", description="The time of day when the values are only dates.")
    repeated_time: Literal["first", "second", "error"] | None = Field(
        default=None,
        alias="repeatedTime",
        title="Time shown twice",
        description="When clocks go back, an hour comes twice: take the first or the second, or tell the value in _errors. "
        "Empty: the first, and the run says how many.",
    )

    def spark_metadata(self) -> dict[str, Any]:
        return super().spark_metadata() | {"timezoneId": self.timezone_id}

    @field_validator("formatters")
    @classmethod
    def _moments(cls, value: list[str]) -> list[str]:
        return _checked_patterns(_checked_patterns(value, date_patterns.day_problem), date_patterns.clock_problem)

    @field_validator("timezone_id")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in _zones() and not re.fullmatch(r"(UTC|GMT|UT)?[+-]\d\d?(:?\d\d)?|Z", value):
            raise PydanticCustomError("time-zone", "There is no time zone “{zone}”.", {"zone": value})
        return value


class BinaryColumn(Scalar):
    """Bytes, written as text."""

    spark_type: ClassVar[str] = "binary"
    type: Literal["binary"] = "binary"
    encoding: Literal["base64", "hexadecimal"] = Field(title="Written as", description="How the bytes are written.")


class StructColumn(Column):
    """Named values inside one column."""

    type: Literal["struct"] = "struct"
    nullable: bool = Field(title="May be empty", description="Whether the column may have no value.")
    fields_: list[AnyColumn] = Field(alias="fields", title="Fields", description="The columns inside.", min_length=1)

    def type_text(self) -> str:
        return "struct<" + ",".join(f"{name_in_sql(field.name)}:{field.type_text()}" for field in self.fields_) + ">"


class ArrayColumn(Column):
    """A list of values of one kind."""

    type: Literal["array"] = "array"
    nullable: bool = Field(title="May be empty", description="Whether the column may have no value.")
    element_type: AnyColumn = Field(alias="elementType", title="Items", description="What each item is.")

    def type_text(self) -> str:
        return f"array<{self.element_type.type_text()}>"


AnyColumn = Annotated[
    StringColumn
    | BooleanColumn
    | IntegerColumn
    | LongColumn
    | DoubleColumn
    | DecimalColumn
    | DateColumn
    | TimeColumn
    | TimestampColumn
    | BinaryColumn
    | StructColumn
    | ArrayColumn,
    Field(discriminator="type"),
]

COLUMN_TYPES: dict[str, type[BaseModel]] = {
    str(cls.model_fields["type"].default): cls
    for cls in (
        StringColumn,
        BooleanColumn,
        IntegerColumn,
        LongColumn,
        DoubleColumn,
        DecimalColumn,
        DateColumn,
        TimeColumn,
        TimestampColumn,
        BinaryColumn,
        StructColumn,
        ArrayColumn,
    )
}
"""Column types by the word that schemas use."""


class _Columns(BaseModel):
    schema_: list[AnyColumn] = Field(alias="schema", min_length=1)


def parse_schema(content: Any, field: str) -> list[AnyColumn]:
    """The columns that `content` (a list, or an object with the key `schema`) describes. Raises ProblemError, placed in `field`."""
    if isinstance(content, dict) and "schema" in content:
        content = content["schema"]
    if not isinstance(content, list):
        words = "does not appear to be an Arc schema. Must be either of type LIST or contain schema within 'schema' attribute."
        raise ProblemError(Problem(code="schema-wrong", field=field, message=f"The schema {words}"))
    try:
        return _Columns.model_validate({"schema": content}).schema_
    except ValidationError as error:
        found = problems_of(error, _Columns, tagged=COLUMN_TYPES)
        raise ProblemError([problem_in(problem, field) for problem in found]) from None


def parse_schema_text(text: str, field: str) -> list[AnyColumn]:
    """As `parse_schema`, from the text of a schema file."""
    try:
        content = json_text.loads(text)
    except ValueError as error:
        raise ProblemError(
            Problem(code="schema-not-json", field=field, message="The schema file is not JSON.", found=str(error)[:120])
        ) from None
    return parse_schema(content, field)


def problem_in(problem: Problem, field: str) -> Problem:
    """The same problem, its place within a schema written as a place within `field`."""
    from dataclasses import replace

    return replace(problem, field=(problem.field or "schema").replace("schema", field, 1))
