"""The table: what each of Spark's errors means for an analyst. See `executor.spark.sentences` for how it is read."""

from __future__ import annotations

from executor.spark.jvm import OUT_OF_MEMORY
from executor.spark.missing_columns import ambiguous_column, unknown_column
from executor.spark.sentences import (
    QUERY_IN_CONDITION,
    Sentence,
    Speaker,
    broken_file,
    cast_too_large,
    missing_file,
    not_castable,
    not_deterministic,
    not_grouped,
    types_differ,
    unknown_field,
    unreadable_record,
    wrong_width,
)

AGGREGATE_IN_WHERE = Sentence(
    "aggregate-in-where",
    "WHERE cannot hold an aggregate or a window function.",
    "Use HAVING, or put the aggregate into a stage before.",
    found="{expressionList}",
)
NUMBER_TOO_LARGE = Sentence(
    "number-too-large",
    "A number became too large for its type.",
    "Convert to a wider type first, for instance CAST(… AS DECIMAL(38, 2)).",
    found="{value}",
)
ENDLESS = Sentence(
    "recursion-endless",
    "The recursion did not come to its end.",
    "Let a condition end it, such as WHERE n < 10; where it must go deeper, write MAX RECURSION LEVEL 1000 behind its name.",
    found="{levelLimit} levels",
)
DIVIDE_BY_ZERO = Sentence(
    "divide-by-zero",
    "A division by zero happened.",
    "Use try_divide(a, b) to get null instead, or leave such rows out with WHERE.",
)
NOT_A_DATE = Sentence(
    "value-not-typed",
    "A value is not a valid date or time of this form.",
    "Use try_to_timestamp or try_to_date to get null instead, or correct the pattern.",
    found="{input}",
    expected="{pattern}",
    value="{input}",
    where=r"to_date|to_timestamp\w*|to_unix_timestamp|unix_timestamp|make_\w+|to_time|date_format|from_csv|from_json",
)
NO_ELEMENT = Sentence(
    "no-such-element",
    "An element was asked for that the list or map does not have.",
    "Use get(…) or try_element_at(…) to get null instead.",
    found="{indexValue}{keyValue}",
)
NO_FUNCTION = Sentence(
    "sql-unknown-function", "There is no function “{routineName}”.", "Look the name up in the list of functions.", found="{routineName}"
)
NO_VIEW = Sentence(
    "unknown-view",
    "There is no view “{relationName}” at this point of the job.",
    "Check the name against the views of earlier stages.",
    found="{relationName}",
)
DISK_FULL = Sentence("disk-full", "There is no space left on the disk.", "Free some space, or ask whoever runs the storage.")
MEMORY = Sentence("out-of-memory", OUT_OF_MEMORY.message, OUT_OF_MEMORY.fix or "")
TOO_MANY_PARTS = Sentence(
    "sql-too-deep",
    "The query has too many parts in one another, such as thousands of UNIONs or joins.",
    "Move parts into stages of their own.",
)
NOT_PERMITTED = Sentence("not-permitted", "A file or folder may not be read or written.", "Ask for the right, or choose another place.")
NOT_PARQUET = Sentence(
    "input-broken",
    "A file is not Parquet, or is not complete.",
    "Read it with the stage for its format, or fetch it again.",
    expected="Parquet",
    field="inputURI",
)
NOT_GZIP = Sentence(
    "input-broken", "A compressed file is broken: it cannot be unpacked to its end.", "Fetch or pack the file again.", field="inputURI"
)
RAISED = Sentence(
    "raised-by-query",
    "The query itself stopped the run: raise_error or assert_true says that something is not as it should be.",
    "Look at the words that the query raises and at the rows it means, or change the condition.",
    found="{errorMessage}",
    value="{errorMessage}",
    where=r"raise_error|assert_true",
)
NOT_A_NUMBER = Sentence(
    "value-not-typed",
    "A text is no number of the form that the query gives.",
    "Use try_to_number or try_cast to get null instead, or correct the form: 9 stands for a digit, D for the decimal point, G for a group.",
    found="{input}{str}{value}",
    expected="{format}{fmt}{targetType}",
    value="{input}{str}{value}",
    where=r"to_number|try_to_number|to_char|to_varchar",
)
NOT_AN_INTERVAL = Sentence(
    "value-not-typed",
    "A text is no length of time.",
    "Write it as in INTERVAL '3' DAY or INTERVAL '2 10:30:00' DAY TO SECOND; try_cast gives null instead.",
    found="{intervalString}{input}",
    value="{intervalString}{input}",
    where=r"cast|make_\w*interval|::",
)
NOT_A_URL = Sentence(
    "value-not-typed",
    "A text is no address (URL), or is not encoded as one.",
    "Use try_parse_url or try_url_decode to get null instead, or leave such rows out.",
    found="{url}",
    value="{url}",
    where=r"parse_url|url_decode",
)
WRONG_REGEX = Sentence(
    "pattern-wrong",
    "A regular expression is not right.",
    "Write a backslash twice (or use a raw string, r'…'), and close every bracket. Text of a column that is not meant as a pattern is "
    "searched for with contains, replace or split_part.",
    found="{pattern}{regex}{value}",
    value="{pattern}{regex}{value}",
    where=r"regexp\w*|r?like|split",
)
WRONG_ZONE = Sentence(
    "value-not-typed",
    "A text is no time zone.",
    "Write a name such as Europe/Zurich, or an offset such as +02:00.",
    found="{timeZone}",
    value="{timeZone}",
    where=r"from_utc_timestamp|to_utc_timestamp|convert_timezone|make_timestamp\w*",
)
WRONG_DAY = Sentence(
    "value-not-typed",
    "A text is no day of the week.",
    "Write Mo, Tue, Wednesday and the like.",
    found="{string}",
    value="{string}",
    where=r"next_day",
)
WRONG_BYTES = Sentence(
    "value-not-typed",
    "Bytes or a text are not of the encoding that the query names.",
    "Name the right encoding; try_to_binary, try_aes_decrypt and try_validate_utf8 give null instead.",
    found="{str}{charset}",
    value="{str}",
    where=r"to_binary|decode|encode|validate_utf8|unhex|unbase64",
)
WRONG_VARIANT = Sentence(
    "value-not-typed",
    "A value inside of a variant has another type than the one asked for.",
    "Use try_variant_get to get null instead.",
    found="{value}",
    expected="{dataType}",
    value="{value}",
    where=r"variant_get|cast|::",
)
BROKEN_VARIANT = Sentence(
    "variant-unreadable",
    "A value of a variant column cannot be read: its bytes are broken, or hold a type that Spark does not know.",
    "Have the file written again, times of day and of nanoseconds inside of the variant as text; or do not select the column.",
)
NOT_A_VARIANT = Sentence(
    "not-a-variant",
    "“:” takes a key out of a column of the type variant, and the column before it has another type.",
    "For a key of JSON in a text write get_json_object(column, '$.key'); a name with a colon in it stands in backticks, a type after “::”.",
    field="sql",
    where=":",
)
WRONG_JSON = Sentence(
    "value-not-typed",
    "A text is not the JSON that the query expects.",
    "Use try_parse_json, or from_json without the mode FAILFAST, to get null instead; or correct the schema.",
    found="{badRecord}{fieldValue}{invalidType}{value}",
    value="{badRecord}{fieldValue}{value}",
    where=r"parse_json|from_json|to_json",
)
KEY_TWICE = Sentence(
    "map-key-twice",
    "A map would hold one key twice, or a key without a value.",
    "Make the keys unique first (GROUP BY), or leave out rows without a key.",
    found="{key}",
    value="{key}",
    where=r"map\w*|str_to_map|transform_keys|parse_json",
)
ARGUMENT = Sentence(
    "argument-value",
    "A function is given a value that it cannot take.",
    "Look at the detail for the function and what it takes; leave out such rows, or use its form that gives null (try_…).",
    found="{invalidValue}{value}{parameter}{argValue}",
    value="{invalidValue}{value}{argValue}",
)
TOO_LONG = Sentence(
    "too-large", "A text, list or sequence would become too large.", "Make less of it: check lengths, counts and the steps of sequences."
)
NOT_SORTABLE = Sentence(
    "comparator-null",
    "The function that compares two elements gives no answer for some of them.",
    "Let it give -1, 0 or 1 in every case.",
    where=r"array_sort",
)
NOT_AVAILABLE = Sentence("sql-not-allowed", "This form of SQL is not available here.", "Write one plain query.")
FORMAT_STRING = Sentence(
    "pattern-wrong",
    "The pattern of format_string or printf does not fit the values.",
    "Write %s for a text, %d for a whole number, %.2f for a number with decimals, %% for a percent sign.",
    where=r"format_string|printf",
)
LIKE_ESCAPE = Sentence(
    "pattern-wrong",
    "A backslash in a LIKE pattern stands before a sign that it cannot escape, or at the end.",
    "Write a backslash twice, or choose another sign: LIKE … ESCAPE '!'.",
    found="{pattern}",
    value="{pattern}",
    where=r"i?like",
)
WEEK_YEAR = Sentence(
    "pattern-wrong",
    "A letter of this date pattern means something else than is usually wanted, or nothing: YYYY, for instance, is the year of the week.",
    "Write yyyy for the year, MM for the month, dd for the day, HH for the hour, mm for the minute.",
    found="{pattern}",
    where=r"date_format|to_date|to_timestamp\w*|from_unixtime|to_char",
)
NOT_CONSTANT = Sentence(
    "argument-constant",
    "A function needs a fixed value here, not one of a column.",
    "Write the value itself, or a parameter of the job.",
    found="{inputExpr}{sqlExpr}",
)
SUBQUERY = Sentence(
    "subquery-form",
    "A query inside of the query stands where Spark cannot take it, or has the wrong columns.",
    "Write it as a join, or as a stage of its own.",
)
WINDOW = Sentence(
    "window-form",
    "A window function is not written as Spark needs it.",
    "Write the function, then OVER (PARTITION BY … ORDER BY …); rank and row_number need an ORDER BY.",
    found="{funcName}{windowFunction}",
)
NESTED_AGGREGATE = Sentence(
    "aggregate-nested", "An aggregate stands inside of another one.", "Work the inner one out in a stage before, or in a WITH."
)
ORDINAL = Sentence(
    "ordinal-wrong",
    "GROUP BY or ORDER BY names a column by a number that the query does not have.",
    "Count from 1, or write the column's name.",
    found="{index}",
    expected="1 to {size}",
)
PIVOT_UNPIVOT = Sentence(
    "pivot-form",
    "PIVOT or UNPIVOT is not written as Spark needs it.",
    "PIVOT: an aggregate FOR a column IN ('a', 'b'); UNPIVOT: columns of one type.",
)
CANNOT_DECIDE = Sentence(
    "value-not-typed", "A value does not fit the column it is written to.", "Convert it first, for instance with try_cast(… AS …)."
)

STOPPED = Sentence("stopped", "The work was stopped.")

BY_CLASS: dict[str, Speaker] = {
    "UNRESOLVED_COLUMN": unknown_column,
    "UNRESOLVED_MAP_KEY": unknown_column,
    "UNRESOLVED_USING_COLUMN_FOR_JOIN": unknown_column,
    "FIELD_NOT_FOUND": unknown_field,
    "INVALID_EXTRACT_BASE_FIELD_TYPE": Sentence(
        "type-mismatch",
        "“{base}” has no parts, so nothing can be taken out of it with a dot.",
        "Use its plain name, or a column that is a structure.",
        found="{other}",
        expected="a structure, a list or a map",
    ).fill,
    "WINDOW_FUNCTION_FRAME_NOT_ORDERED": Sentence(
        "window-order",
        "A window function such as row_number() or lag(…) needs an order.",
        "Write OVER (ORDER BY …) with the columns that say which row comes first.",
        found="{wf}",
    ).fill,
    "COLLATION_INVALID_NAME": Sentence(
        "collation-unknown",
        "There is no such collation in Spark.",
        "Compare lower(…) of both sides where capitals do not matter; Spark's own is called UTF8_LCASE.",
        found="{collationName}",
    ).fill,
    "TABLE_OR_VIEW_NOT_FOUND": NO_VIEW.fill,
    "UNRESOLVED_ROUTINE": NO_FUNCTION.fill,
    "UNRESOLVABLE_TABLE_VALUED_FUNCTION": NO_FUNCTION.fill,
    "AMBIGUOUS_REFERENCE": ambiguous_column,
    "AMBIGUOUS_COLUMN_OR_FIELD": ambiguous_column,
    "AMBIGUOUS_LATERAL_COLUMN_ALIAS": ambiguous_column,
    "MISSING_AGGREGATION": not_grouped,
    "MISSING_GROUP_BY": not_grouped,
    "UNRESOLVED_ALL_IN_GROUP_BY": not_grouped,
    "GROUP_BY_AGGREGATE": AGGREGATE_IN_WHERE.fill,
    "INVALID_WHERE_CONDITION": AGGREGATE_IN_WHERE.fill,
    "UNSUPPORTED_EXPR_FOR_WINDOW": AGGREGATE_IN_WHERE.fill,
    "DATATYPE_MISMATCH": types_differ,
    "INCOMPATIBLE_COLUMN_TYPE": types_differ,
    "CAST_INVALID_INPUT": not_castable,
    "CAST_OVERFLOW": cast_too_large,
    "ARITHMETIC_OVERFLOW": NUMBER_TOO_LARGE.fill,
    "BINARY_ARITHMETIC_OVERFLOW": NUMBER_TOO_LARGE.fill,
    "NUMERIC_VALUE_OUT_OF_RANGE": NUMBER_TOO_LARGE.fill,
    "NUMERIC_OUT_OF_SUPPORTED_RANGE": NUMBER_TOO_LARGE.fill,
    "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION": NUMBER_TOO_LARGE.fill,
    "DIVIDE_BY_ZERO": DIVIDE_BY_ZERO.fill,
    "REMAINDER_BY_ZERO": DIVIDE_BY_ZERO.fill,
    "INTERVAL_DIVIDED_BY_ZERO": DIVIDE_BY_ZERO.fill,
    "CANNOT_PARSE_TIMESTAMP": NOT_A_DATE.fill,
    "CANNOT_PARSE_TIME": NOT_A_DATE.fill,
    "DATETIME_FIELD_OUT_OF_BOUNDS": NOT_A_DATE.fill,
    "INVALID_DATETIME_PATTERN": NOT_A_DATE.fill,
    "INVALID_ARRAY_INDEX": NO_ELEMENT.fill,
    "INVALID_ARRAY_INDEX_IN_ELEMENT_AT": NO_ELEMENT.fill,
    "MAP_KEY_DOES_NOT_EXIST": NO_ELEMENT.fill,
    "RECURSION_LEVEL_LIMIT_EXCEEDED": ENDLESS.fill,
    "RECURSION_ROW_LIMIT_EXCEEDED": Sentence(
        "recursion-endless", "The recursion made more than {rowLimit} rows.", "Let a condition end it, such as WHERE n < 10."
    ).fill,
    "USER_RAISED_EXCEPTION": RAISED.fill,
    "WRONG_NUM_ARGS": Sentence(
        "wrong-arguments",
        "“{functionName}” is given the wrong number of arguments.",
        "Check how the function is called.",
        found="{actualNum}",
        expected="{expectedNum}",
    ).fill,
    "NUM_COLUMNS_MISMATCH": Sentence(
        "columns-do-not-fit",
        "The parts of the query do not have the same number of columns.",
        "Select the same columns in each part, in the same order.",
        found="{invalidNumColumns}",
        expected="{firstNumColumns}",
    ).fill,
    "TRAILING_COMMA_IN_SELECT": Sentence(
        "sql-syntax", "There is a comma before FROM.", "Take out the comma before FROM.", found=", FROM"
    ).fill,
    "SCALAR_SUBQUERY_TOO_MANY_ROWS": Sentence(
        "subquery-many-rows", "A query used as one value gave more than one row.", "Let it give one row: aggregate it, or use IN or a join."
    ).fill,
    "COLUMN_ALREADY_EXISTS": Sentence(
        "column-twice", "Two columns have the name “{columnName}”.", "Rename one with AS, or do not select it twice.", found="{columnName}"
    ).fill,
    "PATH_NOT_FOUND": missing_file,
    "FAILED_READ_FILE.FILE_NOT_EXIST": missing_file,
    "FAILED_READ_FILE": broken_file,
    "MALFORMED_RECORD_IN_PARSING": unreadable_record,
    "MALFORMED_CSV_RECORD": wrong_width,
    "CANNOT_READ_FILE_FOOTER": NOT_PARQUET.fill,
    "UNABLE_TO_INFER_SCHEMA": Sentence(
        "input-empty",
        "There is no data to read, so nothing is known of the columns.",
        "Check the path, or give a schema.",
        field="inputURI",
    ).fill,
    "INVALID_COLUMN_NAME_AS_PATH": Sentence(
        "column-name",
        "The column name “{columnName}” cannot be written in this format.",
        "Rename it with AS: letters, digits and _.",
        found="{columnName}",
    ).fill,
    "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE": Sentence(
        "type-not-writable",
        "The column “{columnName}” cannot be written in this format.",
        "Turn it into text, for instance with to_json.",
        found="{columnType}",
    ).fill,
    "UNSUPPORTED_TIME_TYPE": Sentence(
        "type-not-available",
        "Spark has no type for a time of day.",
        "Keep it as text, for instance date_format(…, 'HH:mm:ss').",
    ).fill,
    "CANNOT_PARSE_DECIMAL": NOT_A_NUMBER.fill,
    "INVALID_FORMAT": NOT_A_NUMBER.fill,
    "INVALID_FORMAT.ESC_AT_THE_END": LIKE_ESCAPE.fill,
    "INVALID_FORMAT.ESC_IN_THE_MIDDLE": LIKE_ESCAPE.fill,
    "CONVERSION_INVALID_INPUT": WRONG_BYTES.fill,
    "CANNOT_PARSE_INTERVAL": NOT_AN_INTERVAL.fill,
    "INVALID_INTERVAL_FORMAT": NOT_AN_INTERVAL.fill,
    "INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION": NOT_AN_INTERVAL.fill,
    "INTERVAL_ARITHMETIC_OVERFLOW": NUMBER_TOO_LARGE.fill,
    "DATETIME_OVERFLOW": NUMBER_TOO_LARGE.fill,
    "CAST_OVERFLOW_IN_TABLE_INSERT": NUMBER_TOO_LARGE.fill,
    "INVALID_NUMERIC_LITERAL_RANGE": NUMBER_TOO_LARGE.fill,
    "CANNOT_DECODE_URL": NOT_A_URL.fill,
    "INVALID_URL": NOT_A_URL.fill,
    "INVALID_REGEXP_REPLACE": WRONG_REGEX.fill,
    "INVALID_PARAMETER_VALUE.PATTERN": WRONG_REGEX.fill,
    "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX": WRONG_REGEX.fill,
    "INVALID_PARAMETER_VALUE": ARGUMENT.fill,
    "APPROX_TOP_K_NON_POSITIVE_ARG": ARGUMENT.fill,
    "INVALID_BITMAP_POSITION": ARGUMENT.fill,
    "INVALID_INDEX_OF_ZERO": NO_ELEMENT.fill,
    "INVALID_TIMEZONE": WRONG_ZONE.fill,
    "ILLEGAL_DAY_OF_WEEK": WRONG_DAY.fill,
    "INVALID_FRACTION_OF_SECOND": NOT_A_DATE.fill,
    "INVALID_UTF8_STRING": WRONG_BYTES.fill,
    "MALFORMED_CHARACTER_CODING": WRONG_BYTES.fill,
    "INVALID_BYTE_STRING": WRONG_BYTES.fill,
    "INVALID_VARIANT_CAST": WRONG_VARIANT.fill,
    "MALFORMED_VARIANT": BROKEN_VARIANT.fill,
    "UNKNOWN_PRIMITIVE_TYPE_IN_VARIANT": BROKEN_VARIANT.fill,
    "INVALID_VARIANT_GET_PATH": WRONG_VARIANT.fill,
    "VARIANT_DUPLICATE_KEY": KEY_TWICE.fill,
    "VARIANT_SIZE_LIMIT": TOO_LONG.fill,
    "VARIANT_CONSTRUCTOR_SIZE_LIMIT": TOO_LONG.fill,
    "CANNOT_PARSE_JSON_FIELD": WRONG_JSON.fill,
    "INVALID_JSON_ROOT_FIELD": WRONG_JSON.fill,
    "INVALID_JSON_RECORD_TYPE": WRONG_JSON.fill,
    "FAILED_ROW_TO_JSON": WRONG_JSON.fill,
    "DUPLICATED_MAP_KEY": KEY_TWICE.fill,
    "NULL_MAP_KEY": KEY_TWICE.fill,
    "COLLECTION_SIZE_LIMIT_EXCEEDED": TOO_LONG.fill,
    "EXCEED_LIMIT_LENGTH": TOO_LONG.fill,
    "COMPARATOR_RETURNS_NULL": NOT_SORTABLE.fill,
    "ROW_SUBQUERY_TOO_MANY_ROWS": Sentence(
        "subquery-many-rows", "A query used as one row gave more than one.", "Let it give one row: aggregate it, or use IN or a join."
    ).fill,
    "INCONSISTENT_BEHAVIOR_CROSS_VERSION": WEEK_YEAR.fill,
    "NON_FOLDABLE_ARGUMENT": NOT_CONSTANT.fill,
    "INVALID_NON_DETERMINISTIC_EXPRESSIONS": not_deterministic,
    "AGGREGATE_FUNCTION_WITH_NONDETERMINISTIC_EXPRESSION": not_deterministic,
    "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY": SUBQUERY.fill,
    "INVALID_SUBQUERY_EXPRESSION": SUBQUERY.fill,
    "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE": WINDOW.fill,
    "WINDOW_FUNCTION_AND_FRAME_MISMATCH": WINDOW.fill,
    "NESTED_AGGREGATE_FUNCTION": NESTED_AGGREGATE.fill,
    "GROUP_BY_POS_OUT_OF_RANGE": ORDINAL.fill,
    "ORDER_BY_POS_OUT_OF_RANGE": ORDINAL.fill,
    "GROUP_BY_POS_AGGREGATE": AGGREGATE_IN_WHERE.fill,
    "PIVOT_VALUE_DATA_TYPE_MISMATCH": PIVOT_UNPIVOT.fill,
    "NON_LITERAL_PIVOT_VALUES": PIVOT_UNPIVOT.fill,
    "UNPIVOT_VALUE_DATA_TYPE_MISMATCH": PIVOT_UNPIVOT.fill,
    "UNPIVOT_REQUIRES_VALUE_COLUMNS": PIVOT_UNPIVOT.fill,
    "NOT_NULL_ASSERT_VIOLATION": CANNOT_DECIDE.fill,
    "INCOMPATIBLE_DATA_FOR_TABLE": CANNOT_DECIDE.fill,
    "UNSUPPORTED_FEATURE": NOT_AVAILABLE.fill,
    "JOB_CANCELLED": STOPPED.fill,
}

BY_TEXT: list[tuple[str, Sentence]] = [
    (r"COLUMN_IS_NOT_VARIANT_TYPE", NOT_A_VARIANT),  # Spark has the name of this error, but no words
    (r"Non-deterministic expression .* grouping expression", QUERY_IN_CONDITION),
    (r"IllegalFormat|FormatConversion|MissingFormatArgument|UnknownFormat", FORMAT_STRING),
    (r"ArithmeticException: \w+ overflow", NUMBER_TOO_LARGE),
    (r"PatternSyntaxException", WRONG_REGEX),
    (r"DateTimeException: (Invalid ID|Unknown time-zone)|ZoneRulesException", WRONG_ZONE),
    (r"DateTimeParseException|DateTimeException", NOT_A_DATE),
    (r"(Malformed|Unmappable)InputException|CharacterCodingException", WRONG_BYTES),
    (r"URISyntaxException", NOT_A_URL),
    (r"No space left on device|Disk quota exceeded", DISK_FULL),
    (r"StackOverflowError", TOO_MANY_PARTS),
    (r"OutOfMemoryError|Java heap space|UNABLE_TO_ACQUIRE_MEMORY", MEMORY),
    (r"Permission denied|AccessControlException|AccessDeniedException", NOT_PERMITTED),
    (r"is not a Parquet file|expected magic number at tail", NOT_PARQUET),
    (
        r"incorrect header check|invalid (block type|stored block|code lengths|distance)|not a gzip file|Corrupt GZIP"
        r"|[Uu]nexpected end of (ZLIB |input stream|file)",
        NOT_GZIP,
    ),
    (r"[Jj]ob .*cancelled|cancelled (because|as part of)", STOPPED),
]
