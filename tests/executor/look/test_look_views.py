"""The columns of a view as a typing schema."""

from __future__ import annotations

from executor.language.schema import parse_schema
from executor.look.views import column_of_type, schema_of_rows


def test_texts_are_typed_and_everything_else_stays() -> None:
    columns = [
        {"name": "Order id", "type": "string"}, {"name": "n", "type": "bigint"}, {"name": "at", "type": "string"},
        {"name": "_filename", "type": "string", "internal": True}, {"name": "zip", "type": "string"}, {"name": "open", "type": "string"},
    ]  # fmt: skip
    rows = [["1", 7, "2024-01-01", "f.csv", "01234", "01/02/2024"], ["2", None, None, "f.csv", "98765", "03/04/2024"]]
    schema = schema_of_rows(columns, rows)
    assert [(column["name"], column["type"]) for column in schema] == [
        ("Order_id", "integer"), ("n", "long"), ("at", "date"), ("zip", "string"), ("open", "string"),
    ]  # fmt: skip
    parse_schema(schema, "schema")


def test_spark_types_become_columns_of_a_schema() -> None:
    kinds = {
        "int": "integer", "bigint": "long", "decimal(18,2)": "decimal", "boolean": "boolean", "timestamp": "timestamp", "date": "date",
        "binary": "binary", "array<string>": "array", "struct<a:int,b:array<date>>": "struct", "variant": "string",
    }  # fmt: skip
    for kind, expected in kinds.items():
        column = column_of_type("c", kind)
        assert column["type"] == expected
        parse_schema([column], "schema")
    struct = column_of_type("c", "struct<a:int,b:array<decimal(9,2)>,c:struct<d:string>>")
    assert [(field["name"], field["type"]) for field in struct["fields"]] == [("a", "integer"), ("b", "array"), ("c", "struct")]
    assert struct["fields"][1]["elementType"]["scale"] == 2
