"""Literal credentials in a document are a problem wherever they stand, told without their value; ordinary text is none."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from executor.document.job import check
from executor.language.authentication import METHODS
from executor.language.credentials import MASK, credential_problems, masked, masked_text

CANARY = "c4naryS3cretValue0123456789abcdefGHIJKLMN"
EXTRACT = {"type": "ParquetExtract", "name": "r", "inputURI": "raw/a", "outputView": "v"}


def with_sql(sql: str) -> dict[str, Any]:
    return {"stages": [{"type": "SQLTransform", "name": "q", "sql": sql, "outputView": "v"}]}


SECRET_KEYS = [
    (method, key)
    for method, (required, optional) in METHODS.items()
    for key in sorted(required | optional)
    if key in ("secretAccessKey", "signature", "token", "refreshToken", "accessKey", "secret", "customKey")
]


@pytest.mark.parametrize(("method", "key"), SECRET_KEYS)
def test_the_keys_of_authentication_methods(method: str, key: str) -> None:
    required, _ = METHODS[method]
    given = {"method": method, **dict.fromkeys(required, "name"), key: CANARY}
    problems = check({"stages": [EXTRACT | {"authentication": given}]})
    told = [problem for problem in problems if problem.code == "literal-credential" and problem.field == f"authentication.{key}"]
    assert told and told[0].stage_index == 0
    assert CANARY not in json.dumps([problem.as_dict() for problem in problems])
    for placeholder in ("${key}", ""):
        again = credential_problems({"stages": [EXTRACT | {"authentication": given | {key: placeholder}}]})
        assert f"authentication.{key}" not in [problem.field for problem in again]


@pytest.mark.parametrize(
    "document",
    [
        {"stages": [EXTRACT | {"params": {"db.password": CANARY}}]},
        {"stages": [EXTRACT | {"params": {"deep": {"apiKey": CANARY}}}]},
        {"stages": [EXTRACT | {"params": {"fs.s3a.secret.key": CANARY}}]},
        {"stages": [EXTRACT | {"params": {"fs.azure.account.key.shop.dfs.core.windows.net": CANARY}}]},
        {"stages": [EXTRACT | {"description": f"jdbc:sqlserver://h;user=x;password={CANARY}"}]},
        {"stages": [EXTRACT | {"inputURI": f"postgres://bob:{CANARY}@db/x"}]},
        {"parameters": {"db_password": {"default": CANARY}}, "stages": [EXTRACT]},
        {"parameters": {"x": {"default": f"AccountKey={CANARY}"}}, "stages": [EXTRACT]},
        with_sql("SELECT 'AKIAIOSFODNN7EXAMPLE' AS a"),
        with_sql(f"SELECT 'jdbc:x;password={CANARY}' AS a"),
        with_sql(f"SELECT 1 AS a -- password: {CANARY}"),
        with_sql(f"SELECT 1 AS a /* aws_secret_access_key = {CANARY} */"),
        with_sql(f"SELECT '-----BEGIN RSA PRIVATE KEY-----{CANARY}' AS a"),
        with_sql("SELECT 'ghp_0123456789abcdefghijABCDEFGHIJ012345' AS a"),
        with_sql("SELECT 1 AS a -- ghp_0123456789abcdefghijABCDEFGHIJ0123456789"),
        with_sql("SELECT 'dapi0123456789abcdef0123456789abcdef' AS a"),
        with_sql("SELECT 'glpat-0123456789abcdefghij' AS a"),
        with_sql("SELECT 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMTIz' AS a"),
        {"stages": [EXTRACT], "files": {"q.sql": f"SELECT 'pwd={CANARY}' AS a"}},
    ],
)
def test_anywhere_in_a_document(document: dict[str, Any]) -> None:
    problems = [problem for problem in check(document) if problem.code == "literal-credential"]
    assert problems and CANARY not in json.dumps([problem.as_dict() for problem in problems])
    hidden = json.dumps(masked(document), ensure_ascii=False)
    assert MASK in hidden and CANARY not in hidden and "AKIAIOSFODNN7EXAMPLE" not in hidden
    assert credential_problems(json.loads(hidden.replace(MASK, ""))) == []


KEY = "AKIAIOSFODNN7EXAMPLE"
GITHUB = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
ADDRESSES = [
    (f"s3a://{KEY}:wJalr/XUtn+FEMI@bucket/x.csv", [KEY, "wJalr/XUtn+FEMI"]),
    (f"s3a://{KEY}:wJalrXUtnFEMI@bucket/x.csv", [KEY, "wJalrXUtnFEMI"]),
    (f"https://{GITHUB}:x-oauth@h/y", [GITHUB, "x-oauth"]),
    (f"https://bob:{GITHUB}@h/y", [GITHUB]),
    ("https://bob:pa/ss@host/x", ["pa/ss"]),
    ("https://bob:p@ss:w@host/x", ["p@ss:w"]),
    ("https://bob@example.org:pass$w0rd@host/x", ["pass$w0rd"]),
    ("redis://:passw0rd@host", ["passw0rd"]),
    ("see https://bob:one1@h1/a@b and https://eve:two2@h2", ["one1", "two2"]),
    ("jdbc:oracle:thin:scott/tiger@host:1521:orcl", ["tiger"]),
    (f"password={GITHUB} and more", [GITHUB]),
]


@pytest.mark.parametrize(("address", "secrets"), ADDRESSES)
def test_all_of_it_is_hidden_and_nothing_else(address: str, secrets: list[str]) -> None:
    document = {"stages": [EXTRACT | {"inputURI": address}]}
    shown = address
    for secret in secrets:
        shown = shown.replace(secret, MASK)
    assert masked(document)["stages"][0]["inputURI"] == shown == masked_text(address)
    told = check(document)
    assert "literal-credential" in [problem.code for problem in told]
    assert not any(secret in json.dumps([one.as_dict() for one in told], ensure_ascii=False) for secret in secrets)


NO_PASSWORDS = [
    "hdfs://nn:8020/a@b",
    "https://h:443/x?mail=a@b",
    "jdbc:postgresql://h:5432/db?options=a@b",
    "s3a://b/x:y@z",
    "https://u:${pw}@h",
]


@pytest.mark.parametrize("address", NO_PASSWORDS)
def test_a_port_or_a_path_is_no_password(address: str) -> None:
    assert credential_problems({"stages": [EXTRACT | {"inputURI": address}]}) == []


@pytest.mark.parametrize(
    "document",
    [
        {"stages": [EXTRACT | {"authentication": {"method": KEY}}]},
        {"stages": [EXTRACT | {"authentication": {"method": "AmazonIAM", KEY: "x"}}]},
        {"stages": [EXTRACT | {"type": KEY}]},
        {"stages": [EXTRACT | {"name": KEY}, EXTRACT | {"name": KEY, "outputView": "other"}]},
        {"stages": [EXTRACT | {"delimiter": KEY}]},
        {"stages": [EXTRACT | {"skipLines": KEY}]},
        {"stages": [EXTRACT | {"environments": [KEY]}]},
        {"stages": [EXTRACT | {"inputURI": f"../{KEY}"}]},
        {"stages": [EXTRACT | {KEY: 1}]},
        {"stages": [EXTRACT], KEY: 1},
        {"parameters": {KEY: {"type": "string"}}, "stages": [EXTRACT]},
        {"parameters": {"p": {"type": KEY}}, "stages": [EXTRACT]},
        {"parameters": {"p": {"type": "integer", "default": KEY}}, "stages": [EXTRACT]},
        with_sql(f"SELECT a FROM `{KEY}`"),
        with_sql(f"SELECT {KEY} FROM {KEY}"),
        {"stages": [EXTRACT | {"params": {"password": "integer-like"}, "skipLines": "integer-like"}]},
    ],
)
def test_no_other_problem_quotes_it_and_no_key_is_one(document: dict[str, Any]) -> None:
    """What is wrong at the same place, too, is told without the value."""
    problems = check(document)
    told = json.dumps([problem.as_dict() for problem in problems])
    assert "literal-credential" in [problem.code for problem in problems]
    assert KEY not in told and "integer-like" not in told
    assert KEY not in json.dumps(masked(document))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT password, token FROM users WHERE password = 'x' AND secret=other_column",
        "SELECT concat('password=', password) AS a FROM users",
        "SELECT sha2(concat(secret, '-salt'), 256) AS token FROM users",
        "SELECT key, api_key FROM t JOIN u USING (access_key) -- the token is in column 3",
        "SELECT 'https://example.org/a:b@c' AS a, 'a@b.org' AS mail, 'PASSWORD' AS p",
        "SELECT 'd41d8cd98f00b204e9800998ecf8427e' AS md5, uuid() AS id",
        "SELECT * FROM t WHERE token IS NOT NULL /* secret: none */",
    ],
)
def test_ordinary_sql_is_none(sql: str) -> None:
    assert credential_problems(with_sql(sql)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "Token and password columns are dropped; see https://wiki/secret-handling"},
        {"authentication": {"method": "AmazonIAM", "kmsArn": "arn:aws:kms:eu:1:key/2"}},
        {"authentication": {"method": "AmazonAccessKey", "accessKeyID": "${id}", "secretAccessKey": "${key}"}},
        {"params": {"owner": "ana", "key_column": "id"}},
        {"sqlParams": {"token": "token, password"}},
    ],
)
def test_ordinary_fields_are_none(fields: dict[str, Any]) -> None:
    assert credential_problems({"stages": [EXTRACT | fields], "parameters": {"key": {"type": "string"}}}) == []


def test_masking_changes_nothing_else() -> None:
    document = {"stages": [copy.deepcopy(EXTRACT) | {"params": {"password": CANARY, "rows": 7}, "persist": True}]}
    hidden = masked(document)
    assert hidden["stages"][0] == EXTRACT | {"params": {"password": MASK, "rows": 7}, "persist": True}
