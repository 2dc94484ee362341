"""Where an address of a document leads, and that it leads nowhere else."""

from __future__ import annotations

import pytest

from executor.language.roots import DEFAULT, Located, Root, located
from executor.problems import Problem

ROOTS = [
    Root(DEFAULT, may_write=True),
    Root("archive", "s3a://acme-lake/prod/"),
    Root("landing", "s3a://acme-lake/prod/landing/", may_write=True),
    Root("all_of_it", "s3a://acme-raw/"),
]


@pytest.mark.parametrize(
    ("uri", "root", "place"),
    [
        ("raw/flights.csv", "lake", "raw/flights.csv"),
        ("raw/*.csv", "lake", "raw/*.csv"),
        ("lake:raw/flights.csv", "lake", "raw/flights.csv"),
        ("archive:2013/flights.csv", "archive", "2013/flights.csv"),
        ("archive:{2013,2014}/day=*", "archive", "{2013,2014}/day=*"),
        ("s3a://acme-lake/prod/2013/x.csv", "archive", "2013/x.csv"),
        ("s3://acme-lake/prod/2013/", "archive", "2013"),
        ("s3n://acme-lake/prod/landing/x", "landing", "x"),
        ("s3a://acme-raw/x", "all_of_it", "x"),
        ("s3a://acme-raw/año/a b+c=1", "all_of_it", "año/a b+c=1"),
    ],
)
def test_an_address_leads_to_a_root_and_a_place_in_it(uri: str, root: str, place: str) -> None:
    assert located(uri, ROOTS, "inputURI") == Located(root, place)


def test_what_is_one_place_is_written_in_one_way() -> None:
    same = ["archive:2013/x.csv", "s3a://acme-lake/prod/2013/x.csv", "s3://acme-lake/prod/2013/x.csv"]
    assert {str(located(uri, ROOTS, "inputURI")) for uri in same} == {"archive:2013/x.csv"}
    assert {str(located(uri, ROOTS, "inputURI")) for uri in ("raw/x", "lake:raw/x")} == {"raw/x"}


OUTSIDE = [
    "", " ", ".", "/", "..", "../x", "raw/../../x", "/etc/passwd", "a\x00b", "a\nb", ".sluice-staging/x",
    "archive:", "archive:.", "archive:/etc/passwd", "archive:../x", "archive:a/../../x", "archive:.sluice-versions/x", "archive: ",
    "archive:a:b.csv", "lake:/etc/passwd", "lake:../x",
    ":raw/x", "Archive:x", "archive :x", "nowhere:x", "C:\\x", "C:/x", "file:/etc/passwd", "file:etc/passwd",
    "file:///etc/passwd", "http://169.254.169.254/latest", "https://acme-lake.s3.amazonaws.com/prod/x", "hdfs://acme-lake/prod/x",
    "webhdfs://acme-lake/prod/x", "ftp://acme-lake/prod/x", "jar:file:/x!/y", "s3a:/acme-lake/prod/x", "s3a:acme-lake/prod/x",
    "S3A://acme-lake/prod/x", "s3a://acme-lake", "s3a://acme-lake/", "s3a://acme-lake/prod", "s3a://acme-lake/prod/", "s3a://acme-lake/prod2/x",
    "s3a://acme-lake/x", "s3a://acme-lake/Prod/x", "s3a://ACME-lake/prod/x", "s3a://acme-lake./prod/x", "s3a://acme-lake:443/prod/x",
    "s3a://key:secret@acme-lake/prod/x", "s3a://other@acme-lake/prod/x", "s3a://acme-lake/prod/../x", "s3a://acme-lake/prod/./x",
    "s3a://acme-lake//prod/x", "s3a://acme-lake/prod//x", "s3a://acme-lake/prod/%2e%2e/x", "s3a://acme-lake/prod/x?versionId=1",
    "s3a://acme-lake/prod/x#y", "s3a://acme-lake\\prod/x", "s3a://acme-lake/prod\\..\\x", "s3a:///acme-lake/prod/x", "s3a://acme-raw2/x",
    "s3a://acme-raw.evil.example/x", "s3a://127.0.0.1/x", "s3a://acme-lake/prod/\x00", "s3a://acme-lаke/prod/x", "//acme-lake/prod/x",
    " s3a://acme-lake/prod/x", "s3a ://acme-lake/prod/x", "s3a://acme-lake/*/x", "s3a://{acme-lake,other}/prod/x", "s3a://acme*/prod/x",
    "archive:s3a://other/x", "lake:s3a://other/x", "archive:file:/etc/passwd", "archive:C:/x",
]  # fmt: skip


@pytest.mark.parametrize("uri", OUTSIDE, ids=repr)
def test_an_address_outside_every_root_is_refused(uri: str) -> None:
    found = located(uri, ROOTS, "inputURI")
    assert isinstance(found, Problem), found
    assert found.code in ("uri-outside-lake", "uri-outside-roots", "root-unknown") and found.field == "inputURI" and found.fix


@pytest.mark.parametrize(
    ("uri", "name"), [("s3a://acme-lake/prod/", "archive"), ("s3a://acme-lake/prod", "archive"), ("s3a://acme-raw/", "all_of_it")]
)
def test_a_whole_root_is_told_as_that(uri: str, name: str) -> None:
    refused = located(uri, ROOTS, "inputURI")
    assert isinstance(refused, Problem) and f"is the root “{name}” itself" in refused.message


def test_where_jobs_only_read_nothing_is_written() -> None:
    refused = located("archive:daily", ROOTS, "outputURI", writes=True)
    assert isinstance(refused, Problem) and refused.code == "root-read-only" and "lake, landing" in str(refused.expected)
    by_address = located("s3a://acme-lake/prod/daily", ROOTS, "outputURI", writes=True)
    assert isinstance(by_address, Problem) and by_address.code == "root-read-only"
    assert located("s3a://acme-lake/prod/landing/daily", ROOTS, "outputURI", writes=True) == Located("landing", "daily")


def test_a_root_that_is_nearly_called_so_is_offered() -> None:
    refused = located("archiv:2013", ROOTS, "inputURI")
    assert isinstance(refused, Problem) and refused.fix == "Did you mean “archive”?"


def test_without_roots_there_are_places_of_the_lake_only() -> None:
    assert located("raw/x", [Root(DEFAULT)], "inputURI") == Located("lake", "raw/x")
    assert isinstance(located("s3a://acme-lake/prod/x", [Root(DEFAULT)], "inputURI"), Problem)


def test_what_one_signs_in_with_tells_what_was_read_before_and_only_there() -> None:
    """A preview keeps what it has read: of a root whose secret was rotated it reads anew, and keeps what lies in the others."""
    from pathlib import Path

    from executor.connections.s3 import S3
    from executor.stores.roots import RootGiven, Roots

    given = {"archive": RootGiven("a", "s3a://acme-archive/"), "raw": RootGiven("b", "s3a://acme-raw/")}

    def signed(a: str, b: str) -> Roots:
        made = {
            name: S3(region="eu-central-1", access_key="AKIAIOSFODNN7EXAMPLE", secret_key=f"{secret} secret key")
            for name, secret in (("a", a), ("b", b))
        }
        return Roots(Path("/lake"), None, given, made)

    before, rotated = signed("one", "two"), signed("other", "two")
    for uri in ("archive:x.csv", "s3a://acme-archive/2013/*.csv"):
        assert before.signs_in_for([uri]) == signed("one", "other").signs_in_for([uri]) != rotated.signs_in_for([uri])
    assert before.signs_in_for(["raw:x.csv"]) == rotated.signs_in_for(["raw:x.csv"])
    assert before.signs_in_for(["raw/x.csv", "nowhere:x"]) == [] and before.key == rotated.key
