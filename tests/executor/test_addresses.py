"""Where the addresses of a whole document lead: one spelling for each place, and no way around a root."""

from __future__ import annotations

from typing import Any

import pytest

from executor.document.job import check, parse, places_written
from executor.language.roots import DEFAULT, FOLDER_ONLY, Root, from_values
from executor.problems import Problem, ProblemError

ROOTS = (
    Root(DEFAULT, may_write=True),
    Root("archive", "s3a://acme-lake/prod/"),
    Root("landing", "s3a://acme-lake/landing/", may_write=True),
    Root("out", "s3a://acme-out/", may_write=True),
)
OVERLAPPING = (
    Root(DEFAULT, may_write=True),
    Root("whole", "s3a://acme-lake/", may_write=True),
    Root("inner", "s3a://acme-lake/prod/"),
)


def read(uri: str, view: str = "a", **fields: Any) -> dict[str, Any]:
    return {"type": "ParquetExtract", "name": f"read {view}", "inputURI": uri, "outputView": view, **fields}


def write(uri: str, name: str = "write", **fields: Any) -> dict[str, Any]:
    return {"type": "ParquetLoad", "name": name, "inputView": "a", "outputURI": uri, **fields}


def told(*stages: dict[str, Any], roots: tuple[Root, ...] = ROOTS, declared: Any = None, **asked: Any) -> list[Problem]:
    document = {"stages": list(stages)} | ({"parameters": declared} if declared else {})
    return check(document, roots=roots, **asked)


def codes(*stages: dict[str, Any], **asked: Any) -> list[str]:
    return [problem.code for problem in told(*stages, **asked)]


# --- one spelling for one place ---------------------------------------------------------------------------------------------

SAME = [
    ("archive:2013/x", "s3a://acme-lake/prod/2013/x"),
    ("archive:2013/./x/", "s3n://acme-lake/prod/2013/x"),
    ("archive:2013//x", "archive:2013/y/../x"),
    ("s3://acme-lake/prod/2013/x/", "s3a://acme-lake/prod/2013/x"),
    ("raw/x", "lake:raw/x"),
    ("./raw//x", "lake:raw/x/"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_place_has_one_spelling(one: str, other: str) -> None:
    job = parse({"stages": [read(one), read(other, "b")]}, roots=ROOTS)
    assert len({str(address.at) for address in job.addresses}) == len({address.at.where for address in job.addresses}) == 1


ON_EACH_OTHER = [
    ("landing:x", "s3a://acme-lake/landing/x"),
    ("s3a://acme-lake/landing/x", "landing:x"),
    ("landing:x/y", "s3://acme-lake/landing/x"),
    ("landing:*", "s3a://acme-lake/landing/x"),
    ("s3a://acme-lake/landing/{x,y}/z", "landing:x"),
    ("landing:X", "landing:x"),
    ("landing:Stra\u00dfe", "landing:STRASSE"),
    ("landing:pl\u0061\u0301nes", "s3a://acme-lake/landing/pl\u00e1nes"),
    ("lake:raw/x", "raw/x"),
    ("lake:raw", "./raw/x"),
    ("out:x", "s3a://acme-out/x"),
]


@pytest.mark.parametrize(("source", "target"), ON_EACH_OTHER)
def test_an_output_on_an_input_is_found_however_both_are_written(source: str, target: str) -> None:
    assert codes(read(source), write(target)) == ["output-on-input"]
    assert codes(read("z"), write(source.replace("*", "x").replace("{x,y}", "x")), write(target, "two")) == ["output-in-output"]


@pytest.mark.parametrize(("source", "target"), [("landing:x", "out:x"), ("landing:x", "x"), ("x", "landing:x"), ("archive:x", "landing:x")])
def test_places_of_one_name_in_two_roots_do_not_meet(source: str, target: str) -> None:
    assert codes(read(source), write(target)) == []


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("inner:x", "whole:prod/x", ["root-read-only"]),
        ("raw/x", "whole:prod/y", ["root-read-only"]),
        ("raw/x", "s3a://acme-lake/prod/y", ["root-read-only"]),
        ("raw/x", "whole:./a/../prod/y", ["root-read-only"]),
        ("raw/x", "whole:prod", ["root-read-only"]),  # it would replace all of what is read only
        ("raw/x", "whole:Prod", ["root-read-only"]),
        ("whole:prod/x", "whole:other", []),
        ("whole:*/x", "whole:a", ["output-on-input"]),
        ("whole:*", "whole:a", ["output-on-input"]),
        ("inner:x", "whole:PROD/x", ["output-on-input"]),
    ],
)
def test_roots_that_lie_in_one_another_are_no_way_around(source: str, target: str, expected: list[str]) -> None:
    assert codes(read(source), write(target), roots=OVERLAPPING) == expected


def test_of_two_roots_at_one_place_the_one_that_may_do_less_counts() -> None:
    twins = (Root("a", "s3a://acme-lake/", may_write=True), Root("b", "s3a://acme-lake/"), Root("c", "s3a://acme-lake/", may_write=True))
    for uri in ("a:x", "b:x", "c:x", "s3a://acme-lake/x"):
        assert codes(read("raw/x"), write(uri), roots=twins) == ["root-read-only"]


# --- what each stage does there ---------------------------------------------------------------------------------------------


def test_what_is_read_only_may_be_read_and_not_written() -> None:
    assert codes(read("archive:x", schemaURI="archive:meta/x.json")) == []
    (refused,) = told(read("archive:x"), write("archive:y"))
    assert (refused.code, refused.field, refused.stage) == ("root-read-only", "outputURI", "write")
    assert refused.fix and "landing" in str(refused.expected)
    sql = {"type": "SQLTransform", "name": "q", "inputURI": "archive:q.sql", "outputView": "b"}
    assert codes(read("raw/x"), sql) == []


def test_the_problem_says_where_the_root_is_missing() -> None:
    (refused,) = told(read("archive:x"), roots=FOLDER_ONLY, environment="prod")
    assert refused.message == "“archive:x”: there is no root “archive” in prod."
    (refused,) = told(read("raw/x"), write("archive:x"), environment="prod")
    assert "read only in prod" in refused.message


def test_a_stage_of_another_environment_is_judged_there() -> None:
    later = write("glacier:x", environments=["prod"])
    assert codes(read("raw/x"), later, roots_of="dev") == []
    assert codes(read("raw/x"), later, environment="prod") == ["root-unknown"]
    assert codes(read("raw/x"), write("glacier:x", environments=["dev"]), roots_of="dev") == ["root-unknown"]
    for wrong in ("file:x", "http://host/x", "Glacier:x", "glacier:../x", "s3a://user@bucket/x", "s3a:x"):
        assert len(codes(read("raw/x"), write(wrong, environments=["prod"]), roots_of="dev")) == 1
    both = [write("glacier:x", environments=["prod"]), write("s3a://acme/x", "two", environments=["prod"])]
    deep = (Root(DEFAULT), Root("glacier", "s3a://acme/", may_write=True))
    assert codes(read("raw/x"), *both, roots_of="dev") == []
    assert codes(read("raw/x"), *both, roots=deep, environment="prod") == ["output-in-output"]


def test_the_roots_are_as_the_portal_hands_them_out() -> None:
    given = {"lake": {"connection": None, "address": "", "may_write": True, "is_default": True}, "archive": {"address": "s3a://b/"}}
    assert from_values(given) == (Root("lake", may_write=True), Root("archive", "s3a://b/"))
    assert from_values(None) == FOLDER_ONLY
    written = places_written({"stages": [read("raw/x"), write("s3a://acme-out/y/")]}, environment="dev", parameters={}, roots=ROOTS)
    assert list(map(str, written)) == ["out:y"]


# --- attacks: no form of an address gets around -------------------------------------------------------------------------------

ATTACKS = [
    "lake:../x", "lake:a/../../x", "LAKE:x", "Lake:x", " archive:x", "archive :x", "archive: x", "archive:x ", "\u00a0archive:x",
    "archive:/x", "archive://x", "archive::x", "archive:x:y", "archive:lake:x", "lake:archive:x", "lake:s3a://acme-lake/prod/x",
    "archive:", "archive:.", "archive:./", "archive:..", "archive:a/..", "archive:../prod/x", "archive:../landing/x",
    "archive:\\x", "archive:..\\x", "raw\\..\\..\\x", "archive:{../landing,a}/x", "{..,raw}/x",
    "archive:{..,a}/{..,b}/x", "{archive,landing}:x", "*:x", "a*:x", "[a]rchive:x", "?rchive:x", "./archive:x", "{a/b,archive:x}",
    "{archive:x,raw/y}",
    "\u0430rchive:x", "arch\u200bive:x", "archive\u200b:x", "archive\n:x", "archive:x\n",
    "archive:x\x00", "archive:x\x7f", "archive:\u0085x",
    ".sluice-staging/x", "archive:.sluice-versions/x", "archive:x/.SLUICE-output.json", "{.sluice-staging,raw}/x", ".sluice*/x",
    ".[s]luice-x/y", "[.]sluice-staging/x", "[^a]*/x", "archive:[!x]*", "archive:x/.s*",
    "s3a://acme-lake", "s3a://acme-lake/", "s3a://acme-lake/prod", "s3a://acme-lake/prod/", "s3a://acme-lake/prod2/x", "s3a://acme-lake/PROD/x",
    "s3a://ACME-LAKE/prod/x", "S3A://acme-lake/prod/x", "s3a:/acme-lake/prod/x", "s3a:acme-lake/prod/x", "s3a:///acme-lake/prod/x",
    "s3a://user@acme-lake/prod/x", "s3a://key:secret@acme-lake/prod/x", "s3a://acme-lake:443/prod/x", "s3a://acme-lake./prod/x",
    "s3a://acme-lake/prod/x?versionId=1", "s3a://acme-lake/prod/x#y", "s3a://acme-lake//prod/x", "s3a://acme-lake/prod//x",
    "s3a://acme-lake/prod/../landing/x", "s3a://acme-lake/prod/./x", "s3a://acme-lake/prod/%2e%2e/landing/x", "s3a://acme-lake/prod/x@y",
    "s3a://acme-lake/prod\\x", "s3a://acme-lake/*/x", "s3a://{acme-lake,other}/prod/x", "s3a://acme*/prod/x",
    "s3a://acme-lake/{prod,landing}/x",
    "s3a://acme-l\u0430ke/prod/x", "s3a://acme-lake.evil.example/prod/x", "s3a://127.0.0.1/prod/x", "s3a://[::1]/prod/x",
    "s3a ://acme-lake/prod/x",
    "s3://other/prod/x", "file:/etc/passwd", "file:///etc/passwd", "file:etc", "hdfs://acme-lake/prod/x", "http://169.254.169.254/latest",
    "https://acme-lake.s3.amazonaws.com/prod/x", "gs://acme-lake/prod/x", "jar:file:/x!/y", "C:\\x", "C:/x", "//acme-lake/prod/x",
    "/etc/passwd",
    "archive:" + "x" * 5_000, "x/" * 3_000 + "x", "archive:" + "../" * 500 + "x", "archive:{" + "a," * 2_000 + "}",
]  # fmt: skip
PLAIN_NAMES = ["archive:%2e%2e/x", "archive:\uff0e\uff0e/x", "archive\uff1ax", "archive:\u2025/x", "archive:x."]
PLAIN_NAMES += ["archive:.../x", "raw/\u2215etc"]
"""They look like a way out and are names like any other: nobody decodes them."""


@pytest.mark.parametrize("uri", ATTACKS, ids=lambda uri: ascii(uri)[:60])
def test_no_form_of_an_address_gets_around_its_root(uri: str) -> None:
    """Neither to read, nor to write, nor as a value of a parameter."""
    for stages in ([read(uri)], [read("raw/ok"), write(uri)], [read("raw/ok", schemaURI=uri)]):
        found = told(*stages)
        assert len(found) == 1 or found[0].code == "literal-credential"
        assert found[0].field in ("inputURI", "outputURI", "schemaURI") and found[0].fix and len(found[0].message) < 400
    declared = {"where": {"default": "raw/ok"}}
    assert told(read("${where}"), declared=declared, parameters={"where": uri}, environment="dev")
    with pytest.raises(ProblemError):
        parse({"stages": [read("raw/${where}")], "parameters": declared}, parameters={"where": uri}, roots=ROOTS)


@pytest.mark.parametrize("uri", PLAIN_NAMES, ids=ascii)
def test_what_only_looks_like_a_way_out_is_a_name(uri: str) -> None:
    (address,) = parse({"stages": [read(uri)]}, roots=ROOTS).addresses
    assert address.at.where == (uri.replace("archive:", "s3a://acme-lake/prod/") if address.at.root == "archive" else uri)


# --- values from outside ------------------------------------------------------------------------------------------------------

ANY = {"where": {"type": "string"}}


@pytest.mark.parametrize(
    ("uri", "value"),
    [
        ("${where}:x", "landing"),
        ("${where}ing:x", "land"),
        ("s3a://${where}/x", "acme-out"),
        ("s3a://acme-${where}/x", "out"),
        ("s3a://acme-lake/${where}/x", "landing"),
        ("s3a://acme-lake/${where}", "landing/x"),
        ("${where}://acme-out/x", "s3a"),
    ],
)
def test_a_value_from_outside_does_not_choose_the_root(uri: str, value: str) -> None:
    assert codes(read(uri), declared=ANY, parameters={"where": value}, environment="dev") == ["root-from-outside"]
    assert len(codes(read(uri), declared=ANY)) == 1, "nobody could run it, so nobody can save it"
    own = {"where": {"type": "string", "default": value}}
    assert codes(read(uri), declared=own) == codes(read(uri), declared=own, parameters={}, environment="dev") == []
    chosen = {"where": {"type": "string", "choices": [value, "other"]}}
    assert codes(read(uri), declared=chosen, parameters={"where": value}, environment="dev") == []


def test_a_value_from_outside_may_name_a_folder_in_the_root() -> None:
    for uri in ("landing:${where}/x", "s3a://acme-lake/landing/${where}/x", "raw/${where}"):
        assert codes(read(uri), declared=ANY, parameters={"where": "2013"}, environment="dev") == []
        assert codes(read(uri), declared=ANY) == []
    inner = (*OVERLAPPING, Root("open", "s3a://acme-lake/open/", may_write=True))
    asked: Any = {"declared": ANY, "parameters": {"where": "prod"}, "environment": "dev", "roots": inner}
    assert codes(read("whole:${where}/x"), **asked) == ["root-from-outside"]
    assert codes(read("x"), write("whole:${where}"), **asked) == ["root-read-only"]


def test_the_environments_own_name_may_choose_the_root() -> None:
    assert codes(read("s3a://acme-${environment}/x"), environment="out") == []


def test_an_output_has_room_in_a_bucket_for_the_names_of_its_files() -> None:
    deep = (*FOLDER_ONLY, Root("deep", f"s3a://acme-lake/{'d' * 500}/", may_write=True))
    assert codes(read("raw/x"), write("deep:" + "o" * 150), roots=deep) == []
    assert codes(read("raw/x"), write("deep:" + "/".join(["o" * 100] * 4)), roots=deep) == ["output-name"]
