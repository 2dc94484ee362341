"""Tests of connections against real servers of this machine that are right, wrong, silent and rude."""

from __future__ import annotations

import json
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from executor.connections import CONNECTION_KINDS
from executor.trials import trial as trials
from executor.trials import try_connection
from tests.services import odd_servers as odd
from tests.services.certificates import Authority
from tests.services.ports import free_port
from tests.services.s3_front import Front, Refuse, before

if TYPE_CHECKING:
    from tests.services.s3 import S3Server

SECRET = "canary77 of the test"
SECRETS = {
    "s3": {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": SECRET},
    "http": {"secret": "canary77-of-the-test"},
    "sqlite": {},
}
Tried = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tried(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tried]:
    """Tries a connection; gives its steps by name. No word of a server and no secret is ever in what is told."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setattr(trials, "SECONDS", 0.3)

    def ask(kind: str, settings: dict[str, Any], *roots: str, writes: bool = False) -> dict[str, dict[str, Any]]:
        told: list[dict[str, Any]] = []
        given = {
            "kind": kind,
            "settings": settings,
            "secrets": {} if settings.get("sign_in") == "nobody" else SECRETS.get(kind, {"password": SECRET}),
            "placed": [{"name": f"r{index}", "address": address, "may_write": writes} for index, address in enumerate(roots)],
        }
        last = try_connection(given, tmp_path, told.append)
        text = json.dumps(told)
        assert "canary" not in text and "is no such server" not in text, text
        steps = {one["name"]: one for one in told if one["event"] == "step"}
        assert last == {"event": "tested", "works": all(step["state"] != "bad" for step in steps.values())}
        assert all(step["words"] and step["ms"] >= 0 and (step["fix"] or step["state"] != "bad") for step in steps.values()), steps
        return steps

    yield ask


def states(steps: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: step["state"] for name, step in steps.items()}


def s3(port: int, host: str = "127.0.0.1", tls: str = "off", **more: Any) -> dict[str, Any]:
    scheme = "http" if tls == "off" else "https"
    return {"service": "other", "endpoint": f"{scheme}://{host}:{port}", "bucket_style": "path", "tls": tls, **more}


def http(port: int, host: str = "127.0.0.1", tls: str = "off", **more: Any) -> dict[str, Any]:
    scheme = "http" if tls == "off" else "https"
    return {"address": f"{scheme}://{host}:{port}/v1/", "tls": tls, "sign_in": "bearer", **more}


def database(port: int, host: str = "localhost", **more: Any) -> dict[str, Any]:
    return {"host": host, "port": port, "database": "shop", "user": "sluice", **more}


def test_every_kind_has_a_test() -> None:
    found = {path.stem for path in Path(trials.__file__).parent.glob("*.py")}
    assert set(CONNECTION_KINDS) <= found


# --- TLS ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("certificate", "host", "words"),
    [
        ({}, "localhost", "certificate is right, signed by Sluice Tests, good until"),
        ({"by_itself": True}, "localhost", "signed by itself"),
        ({}, "127.0.0.1", "another name than 127.0.0.1"),
        ({"ends_in": timedelta(days=-1)}, "localhost", "has expired"),
    ],
)
def test_a_certificate_is_judged(tried: Tried, authority: Authority, certificate: dict[str, Any], host: str, words: str) -> None:
    with odd.answering(odd.http(200), authority.certificate("one", **certificate)) as port:
        steps = tried("http", http(port, host, "verified"))
    assert words in steps["TLS"]["words"]
    assert ("Sign-in" in steps) == (certificate == {} and host == "localhost")


def test_an_authority_that_nobody_knows_is_told(tried: Tried, tmp_path: Path) -> None:
    with odd.answering(odd.http(200), Authority(tmp_path, "Others").certificate("x")) as port:
        assert "signed by an authority that is not known here" in tried("http", http(port, "localhost", "verified"))["TLS"]["words"]


@pytest.mark.parametrize("kind", ["http", "s3", "kafka"])
def test_an_authority_of_one_s_own_is_named_by_the_connection(tried: Tried, tmp_path: Path, kind: str) -> None:
    others = Authority(tmp_path, "Others")
    with odd.answering(odd.http(200), others.certificate("x")) as port:
        named = {"authority": others.file.read_text()}
        settings = {
            "http": http(port, "localhost", "verified", **named),
            "s3": s3(port, "localhost", "verified", **named),
            "kafka": kafka(port, brokers=[f"localhost:{port}"], tls="verified", **named),
        }
        steps = tried(kind, settings[kind])
    about_tls = [step for name, step in steps.items() if name.startswith("TLS")]
    assert [step["state"] for step in about_tls] == ["good"]
    assert not any("certificate" in step["words"] or "vouches" in step["words"] for step in steps.values() if step not in about_tls)


RUDE = [(odd.silent, "does not answer within"), (odd.rubbish, "not speak TLS"), (odd.hangs_up, "broke the connection off")]


@pytest.mark.parametrize(("talk", "words"), RUDE)
@pytest.mark.parametrize("kind", ["http", "s3", "kafka"])
def test_a_server_that_speaks_no_tls_is_told(tried: Tried, kind: str, talk: odd.Talk, words: str) -> None:
    with odd.answering(talk) as port:
        settings = {"http": http(port, tls="verified"), "s3": s3(port, tls="verified"), "kafka": kafka(port, tls="verified")}[kind]
        steps = tried(kind, settings, *(["s3a://acme-lake/"] if kind == "s3" else []))
    assert list(states(steps).values()) == ["bad"] and words in next(iter(steps.values()))["words"]


@pytest.mark.parametrize("talk", [odd.silent, odd.rubbish, odd.hangs_up])
@pytest.mark.parametrize("kind", ["postgresql", "mariadb", "sqlserver"])
def test_what_is_no_database_is_told_before_anybody_signs_in(tried: Tried, kind: str, talk: odd.Talk) -> None:
    with odd.answering(talk) as port:
        steps = tried(kind, database(port))
    words = {odd.silent: "does not answer", odd.rubbish: "but it is no", odd.hangs_up: "broke the connection off"}
    assert states(steps) == {"TLS": "bad"} and words[talk] in steps["TLS"]["words"]


@pytest.mark.parametrize(("kind", "answer"), [("postgresql", b"N"), ("mariadb", None)])
def test_a_database_without_tls_gets_no_password(tried: Tried, kind: str, answer: bytes | None) -> None:
    greeting = b"\x0a5.5\x00" + bytes(4) + bytes(9) + struct.pack("<H", 0x0200) + bytes(20)
    said = answer or struct.pack("<I", len(greeting))[:3] + b"\x00" + greeting
    heard: list[bytes] = []

    def talk(stream: Any) -> None:
        if kind == "mariadb":
            stream.sendall(said)
        heard.append(stream.recv(1000))
        stream.sendall(said)
        heard.append(stream.recv(1000))

    with odd.answering(talk) as port:
        steps = tried(kind, database(port))
    assert states(steps) == {"TLS": "bad"} and "speaks no TLS" in steps["TLS"]["words"]
    assert SECRET.encode() not in b"".join(heard)


# --- databases ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words"), [(1040, "too many connections"), (1130, "nobody in from this machine"), (1234, "refuses the sign-in")]
)
def test_a_mariadb_that_refuses_at_once_is_told(tried: Tried, number: int, words: str) -> None:
    refusal = b"\xff" + struct.pack("<H", number) + b"canary of the server"
    with odd.answering(lambda stream: stream.sendall(struct.pack("<I", len(refusal))[:3] + b"\x00" + refusal)) as port:
        for tls, step in (("verify-full", "TLS"), ("disable", "Sign-in")):
            assert words in tried("mariadb", database(port, tls=tls))[step]["words"]


def test_a_server_that_is_not_checked_gets_no_password_in_the_clear(tried: Tried) -> None:
    greeting = b"\x0a8.0\x00" + bytes(4) + b"a" * 8 + b"\x00" + struct.pack("<H", 0xA200) + b"\x2d\x02\x00" + struct.pack("<H", 0x0008)
    greeting += b"\x15" + bytes(10) + b"b" * 12 + b"\x00mysql_native_password\x00"
    switch = b"\xfemysql_clear_password\x00"
    heard: list[bytes] = []

    def talk(stream: Any) -> None:
        stream.sendall(struct.pack("<I", len(greeting))[:3] + b"\x00" + greeting)
        heard.append(stream.recv(1000))
        stream.sendall(struct.pack("<I", len(switch))[:3] + b"\x02" + switch)
        heard.append(stream.recv(1000))

    with odd.answering(talk) as port:
        steps = tried("mariadb", database(port, tls="disable"))
    assert "password in the clear" in steps["Sign-in"]["words"] and SECRET.encode() not in b"".join(heard)


def test_a_file_is_looked_at_where_it_lies(tried: Tried, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    assert "no such file" in tried("sqlite", {"file": "raw/shop.sqlite"})["File"]["words"]
    (tmp_path / "raw" / "shop.sqlite").write_text("a,b\n1,2\n" * 100)
    assert "no database" in tried("sqlite", {"file": "raw/shop.sqlite"})["List"]["words"]
    (tmp_path / "raw" / "shop.sqlite").unlink()
    with sqlite3.connect(tmp_path / "raw" / "shop.sqlite") as made:
        made.execute("CREATE TABLE t (a)")
    made.close()
    assert "sees 1 table in" in tried("sqlite", {"file": "raw/shop.sqlite"})["List"]["words"]
    (tmp_path / "raw" / "out.sqlite").symlink_to("/etc/passwd")
    assert "no such file" in tried("sqlite", {"file": "raw/out.sqlite"})["File"]["words"]


def test_a_sql_server_is_known_by_its_first_answer(tried: Tried, authority: Authority) -> None:
    body = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF) + bytes(6)

    def talk(encryption: int) -> odd.Talk:
        def one(stream: Any) -> None:
            stream.recv(1000)
            stream.sendall(struct.pack(">BBHHBB", 4, 1, len(body) + 9, 0, 1, 0) + body + bytes([encryption]))
            odd.silent(stream)

        return one

    with odd.answering(talk(2)) as port:
        assert "speaks no TLS" in tried("sqlserver", database(port))["TLS"]["words"]
        assert states(tried("sqlserver", database(port, tls="disable"))) == {"TLS": "note", "Server": "good", "Sign-in": "note"}
    with odd.answering(talk(1), authority.certificate("tds")) as port:
        assert states(tried("sqlserver", database(port, tls="strict"))) == {"TLS": "good", "Sign-in": "note"}


# --- HTTP and Kafka -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("talk", "state", "words"),
    [
        (odd.http(200), "good", "takes what it signs in with"),
        (odd.http(404), "note", "not sure yet"),
        (odd.http(401, WWW_Authenticate='Bearer error="invalid_token"'), "bad", "does not take what it signs in with"),
        (odd.http(403), "bad", "refuses it"),
        (odd.http(302, Location="http://169.254.169.254/latest/meta-data/"), "bad", "sends on to another address"),
        (odd.http(503), "bad", "too much just now"),
        (odd.http(500), "bad", "has failed (500)"),
        (lambda stream: stream.sendall(b"SSH-2.0-canary\r\n\r\n"), "bad", "does not speak HTTP"),
        (odd.silent, "bad", "does not answer"),
        (odd.hangs_up, "bad", "broke the connection off"),
    ],
)
def test_what_a_service_answers_is_told(tried: Tried, talk: odd.Talk, state: str, words: str) -> None:
    with odd.answering(talk) as port:
        steps = tried("http", http(port))
    assert states(steps) == {"TLS": "note", "Sign-in": state} and words in steps["Sign-in"]["words"]


def kafka(port: int, **more: Any) -> dict[str, Any]:
    return {"brokers": [f"127.0.0.1:{port}"], "sign_in": "scram-sha-512", "user": "sluice", "tls": "off", **more}


def broker(stream: Any) -> None:
    asked = stream.recv(1000)
    said = asked[8:12] + struct.pack(">hi", 0, 0)
    stream.sendall(struct.pack(">i", len(said)) + said)


def test_a_broker_is_known_by_its_answer(tried: Tried) -> None:
    with odd.answering(broker) as port:
        assert states(tried("kafka", kafka(port))) == {"TLS": "note", "Broker 127.0.0.1": "good", "Sign-in": "note"}
    with odd.answering(odd.rubbish) as port:
        assert "no broker" in tried("kafka", kafka(port))["Broker 127.0.0.1"]["words"]


# --- S3 -------------------------------------------------------------------------------------------------------------------

ROOT = "s3a://acme-lake/prod/"


class Desk:
    """One S3 for all these tests, as making a client for another takes half a second; `talk` is what it says."""

    port = 0
    talk: odd.Talk = staticmethod(odd.silent)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    made = Desk()
    with odd.answering(lambda stream: made.talk(stream)) as made.port:
        yield made


@pytest.mark.parametrize(
    ("status", "code", "step", "words"),
    [
        (403, "InvalidAccessKeyId", "Sign-in", "access key is not known"),
        (403, "SignatureDoesNotMatch", "Sign-in", "secret is not the one"),
        (400, "ExpiredToken", "Sign-in", "sign-in has expired"),
        (403, "AccessDenied", "List acme-lake/prod/", "may not list files there"),
        (404, "NoSuchBucket", "List acme-lake/prod/", "no such bucket"),
        (503, "SlowDown", "Sign-in", "too much at once"),
        (500, "InternalError", "Sign-in", "the storage has failed"),
    ],
)
def test_what_s3_refuses_is_told_at_its_step(tried: Tried, desk: Desk, status: int, code: str, step: str, words: str) -> None:
    desk.talk = odd.s3(status, code)
    steps = tried("s3", s3(desk.port), ROOT)
    last = list(steps.values())[-1]
    assert (last["name"], last["state"]) == (step, "bad") and words in last["words"]


def test_open_data_that_is_not_open_is_told(tried: Tried, desk: Desk) -> None:
    desk.talk = odd.s3(403, "AccessDenied")
    steps = tried("s3", s3(desk.port, sign_in="nobody"), ROOT)
    assert states(steps) == {"TLS": "note", "Sign-in": "note", "List acme-lake/prod/": "bad"}
    assert "does not let everybody in" in steps["List acme-lake/prod/"]["words"]


@pytest.mark.parametrize(("status", "code"), [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")])
def test_a_bucket_in_another_region_is_told_with_the_region(tried: Tried, desk: Desk, status: int, code: str) -> None:
    desk.talk = odd.s3(status, code, "eu-west-1")
    steps = tried("s3", s3(desk.port), ROOT)
    assert states(steps) == {"TLS": "note", "Sign-in": "note", "List acme-lake/prod/": "bad"}
    assert steps["List acme-lake/prod/"]["fix"] == "Its region is eu-west-1: write that in the connection."


@pytest.mark.parametrize("talk", [odd.silent, odd.rubbish, odd.hangs_up, odd.http(200, b"<html>not S3</html>")])
@pytest.mark.parametrize("roots", [[], [ROOT]])
def test_what_is_no_s3_ends_in_time_with_words(tried: Tried, desk: Desk, talk: odd.Talk, roots: list[str]) -> None:
    desk.talk, began = talk, time.monotonic()
    assert states(tried("s3", s3(desk.port), *roots))["Sign-in"] == "bad" and time.monotonic() - began < 5


def test_a_port_where_nobody_listens_is_told(tried: Tried) -> None:
    assert states(tried("s3", s3(free_port()), ROOT))["Sign-in"] == "bad"
    assert states(tried("http", http(free_port(), tls="verified"))) == {"TLS": "bad"}


@pytest.fixture(scope="module")
def front(s3_server: S3Server) -> Iterator[Front]:
    with before(s3_server.address) as found:
        yield found


CONDITIONS = ("if-none-match", "if-match")


@pytest.mark.services
@pytest.mark.parametrize(
    ("refused", "without", "words", "fix"),
    [
        ((), (), "written and removed", ""),
        (("PUT",), (), "the sign-in may not write files there", "s3:PutObject"),
        (("DELETE",), (), "the sign-in may not remove files there", "s3:DeleteObject"),
        ((), CONDITIONS, "one could be lost", "If-None-Match"),
        ((), CONDITIONS[1:], "one could be lost", "conditional writes"),
    ],
)
def test_where_jobs_write_a_write_is_tried(
    tried: Tried, front: Front, s3_server: S3Server, refused: tuple[str, ...], without: tuple[str, ...], words: str, fix: str
) -> None:
    bucket, front.without = s3_server.new_bucket(), without
    root, port = f"s3a://{bucket}/prod/", urlsplit(front.address).port or 0
    front.always(Refuse(403, "AccessDenied"), *refused) if refused else front.never()
    step = tried("s3", s3(port), root, writes=True)[f"Write {bucket}/prod/"]
    assert step["state"] == ("bad" if fix else "good") and words in step["words"] and fix in step["fix"], step
    assert len(s3_server.keys(bucket)) == ("DELETE" in refused), "what was tried is gone again"
    front.never()
    assert f"Write {bucket}/prod/" not in tried("s3", s3(port), root)
