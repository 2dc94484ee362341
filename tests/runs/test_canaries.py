"""Five secrets are set, handed to real runs, previews and tests of connections, and changed; then they are looked for everywhere but where
they are sealed: `make test-lake` prints what was looked through. What is found of a planted one shows that the look is worth something."""

from __future__ import annotations

import base64
import html
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import redis

from tests import factories
from tests.runs.stack import Stack, until
from tests.services.s3 import S3Server
from tests.tally import Tally

pytestmark = [pytest.mark.lake, pytest.mark.services, pytest.mark.spark, pytest.mark.timeout(900)]

CANARIES = {
    "a secret of the environment": 'c4nary-one/of+the "environment" & more',
    "an access key": "AKIAC4NARYTWO0000001",
    "the secret that belongs to it": "c4nary-three/+=of the key <x>",
    "a password": "c4nary-four'of the %41 database",
    "one that lies in a file": "c4nary-five/lies+elsewhere, mounted",
}
ONE, ACCESS_KEY, SECRET_KEY, PASSWORD, MOUNTED = CANARIES.values()
FLIGHTS = "origin,delay\nJFK,1\nEWR,2\nJFK,3\n"


def forms(secret: str) -> set[bytes]:
    """As it is, in base64 at its three offsets, in an address, in JSON and HTML, in hex."""
    raw = secret.encode()
    inside = {base64.b64encode(b"x" * offset + raw).decode()[4:-4] for offset in range(3)}
    inside |= {one.replace("+", "-").replace("/", "_") for one in inside}
    quoted = {json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3], html.escape(secret)}
    return {one.encode() for one in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), raw.hex(), *inside, *quoted}}


FORMS = {form: name for name, secret in CANARIES.items() for form in forms(secret)}


def found_in(what: bytes) -> set[str]:
    """Names of the canaries that it holds."""
    return {name for form, name in FORMS.items() if form in what}


def in_processes() -> set[str]:
    """In the command line or the environment of any process, but this one's."""
    found: set[str] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name != str(os.getpid()):
            for name in ("cmdline", "environ"):
                try:
                    found |= found_in((folder / name).read_bytes())
                except OSError:
                    continue
    return found


def in_files(folder: Path) -> dict[str, set[str]]:
    found = {}
    for file in folder.rglob("*"):
        with suppress(OSError):  # it is gone again
            if file.is_file() and not file.is_symlink() and (held := found_in(file.read_bytes())):
                found[str(file.relative_to(folder))] = held
    return found


def in_redis(client: redis.Redis) -> dict[bytes, set[str]]:
    """Every key, in the form in which Redis itself would write it out, and as its type reads."""
    readers: dict[bytes, Any] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
    }
    return {key: held for key in client.scan_iter() if (held := found_in(key + str(readers[client.type(key)](key)).encode()))}


def redis_of(home: Path) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(home / "run" / "redis.sock"))


class Watch:
    """While it is open it looks at every process and every file of the home, and hears every command that Redis gets."""

    def __init__(self, home: Path) -> None:
        self.found: set[str] = set()
        self.looks = self.commands = 0
        self._home, self._client = home, redis_of(home)
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._look), threading.Thread(target=self._hear, daemon=True)]

    def __enter__(self) -> Watch:
        [thread.start() for thread in self._threads]
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._threads[0].join()
        self._client.close()

    def _look(self) -> None:
        while not self._is_over.wait(0.3):
            self.found |= in_processes().union(*in_files(self._home).values())
            self.looks += 1

    def _hear(self) -> None:
        with suppress(redis.RedisError, OSError, ValueError), self._client.monitor() as heard:  # it ends with the client
            for command in heard.listen():
                self.commands += 1
                self.found |= found_in(str(command).encode())


class Person:
    """Ada's browser. What it is answered is kept."""

    def __init__(self, address: str, session: str) -> None:
        token = "c" * 32
        cookies = {"sluice": session, "csrftoken": token}
        self._client = httpx.Client(base_url=address, cookies=cookies, headers={"X-CSRFToken": token}, timeout=300, trust_env=False)
        self.said: list[bytes] = []

    def ask(self, method: str, path: str, body: Any = None, expect: int | None = 200) -> Any:
        answer = self._client.request(method, path, json=body)
        self.said.append(answer.content + str(answer.headers).encode())
        assert expect is None or answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mounted")
    place = folder / "flights" / "dev" / "archive"
    place.mkdir(parents=True)
    for name, value in (("access_key", "AKIAORDINARY00000001"), ("secret_key", MOUNTED)):
        (place / name).write_text(value)
        (place / name).chmod(0o400)
    return folder


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, mounted: Path) -> Iterator[Stack]:
    variables = {
        "SLUICE_CONNECTION_NETWORKS": "127.0.0.0/8",
        "SLUICE_SECRET_BACKENDS": json.dumps({"mounted": {"kind": "files", "folder": str(mounted)}}),
        "SLUICE_LOG_LEVEL": "DEBUG",
        "SLUICE_DEBUG": "1",
    }
    os.environ.update(variables)
    stack = Stack(tmp_path_factory.mktemp("sl"))
    [os.environ.pop(name) for name in variables]
    try:
        stack.start_redis()
        stack.start_worker()
        stack._start("previews", [sys.executable, "manage.py", "previews"])
        yield stack
    finally:
        stack.close()


@pytest.fixture(scope="module")
def ada(stack: Stack) -> Iterator[Person]:
    ada = Person(stack.start_web(), stack.ask("administrator"))
    yield ada
    ada.close()


def document(read_from: str) -> dict[str, Any]:
    """It declares the secret of the environment and reads from a root on S3."""
    extract, middle, load = json.loads(json.dumps(factories.DOCUMENT))["stages"]
    signs_in = {"method": "AmazonAccessKey", "accessKeyID": "${one}", "secretAccessKey": "${one}"}
    return {
        "parameters": {"one": {"type": "secret"}},
        "stages": [extract | {"inputURI": read_from, "authentication": signs_in}, middle, load | {"saveMode": "Overwrite"}],
    }


def connect(ada: Person, s3: S3Server) -> None:
    """Everything that is sealed, or lies elsewhere, and roots on it; the password is rotated."""
    environment = "/api/v1/projects/flights/environments/dev"
    place = {"service": "other", "endpoint": s3.address, "bucket_style": "path", "tls": "off", "private_networks": ["127.0.0.0/8"]}
    keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    ada.ask("PUT", f"{environment}/secrets/one", {"value": ONE})
    lake = {"name": "lake_s3", "kind": "s3", "settings": place, "secrets": keys}
    archive = {"name": "archive_s3", "kind": "s3", "settings": place, "reference": {"backend": "mounted", "path": "flights/dev/archive"}}
    shop = {"name": "shop", "kind": "postgresql", "secrets": {"password": PASSWORD}}
    shop |= {"settings": {"host": "127.0.0.1", "database": "shop", "user": "sluice", "private_networks": ["127.0.0.0/8"]}}
    for connection in (lake, archive, shop):
        ada.ask("POST", f"{environment}/connections", connection, 201)
    ada.ask("POST", f"{environment}/connections", shop, 409)
    ada.ask("POST", f"{environment}/connections", shop | {"name": "other", "settings": {"host": PASSWORD}}, 422)
    ada.ask("POST", f"{environment}/connections/shop/rotate", {"secrets": {"password": PASSWORD}, "old_for_minutes": 5})
    for name, connection in (("raw", "lake_s3"), ("archive", "archive_s3")):
        bucket = s3.new_bucket()
        s3.client.put_object(Bucket=bucket, Key="in/flights.csv", Body=FLIGHTS.encode())
        ada.ask("POST", f"{environment}/roots", {"name": name, "connection": connection, "address": f"s3a://{bucket}/in/"}, 201)


KILLED = """
import django, time
django.setup()
from django.conf import settings
from portal.environments import resealing
from portal.environments.keys import file
file.add(settings.VAULT_KEYS_FILE, file.new_key())
resealing.BATCH = 1
for done in resealing.reseal():
    print(done.resealed, resealing.left(), flush=True)
    time.sleep(1)
"""


def another_key(stack: Stack) -> None:
    """Everything is sealed anew by a program that is killed in the middle, and by one that goes on."""
    variables = stack.environment | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    with subprocess.Popen([sys.executable, "-c", KILLED], env=variables, stdout=subprocess.PIPE, text=True) as half:
        assert half.stdout and [half.stdout.readline() for _ in range(2)] == ["1 4\n", "2 3\n"]
        half.kill()
    said = subprocess.run(
        [sys.executable, "manage.py", "vault_keys", "reseal"], env=variables, check=True, timeout=120, capture_output=True, text=True
    ).stdout
    assert "3 sealed anew, 0 left" in said, said


def use(ada: Person, stack: Stack) -> list[str]:
    """A run and a preview of each root, beside one of which another key seals everything, and a test of each connection, where there is
    one. Gives how the runs ended."""
    job, states = "/api/v1/projects/flights/jobs/daily_delays", []
    for before, root in enumerate(("raw", "archive"), start=1):
        written = {"document": document(f"{root}:flights.csv")}
        assert ada.ask("POST", f"{job}/preview", {**written, "to": 1}).json()["rows"] == [["JFK", 2], ["EWR", 1]]
        ada.ask("POST", f"{job}/versions/", {**written, "message": root, "base_version": before}, 201)
        asked = {"job": "daily_delays", "environment": "dev", "version": before + 1}
        run = ada.ask("POST", "/api/v1/projects/flights/runs/", asked, 201).json()["id"]
        if root == "archive":
            another_key(stack)
        states.append(stack.until_state(run, "succeeded", "failed")["state"])
        for path in (f"/api/v1/projects/flights/runs/{run}", f"/p/flights/runs/{run}/", f"/api/v1/projects/flights/runs/{run}/log"):
            ada.ask("GET", path, expect=None)
    for name, works in (("lake_s3", True), ("archive_s3", True), ("shop", False)):
        tested = ada.ask("POST", f"/api/v1/projects/flights/environments/dev/connections/{name}/test", {}).json()
        assert tested["works"] == works, tested
    return states


def look_at_pages(ada: Person) -> None:
    for path in (
        *("/audit/", "/audit/export.csv", "/audit/export.jsonl", "/settings/system", "/api/schema/", "/p/flights/jobs/daily_delays/"),
        *(f"/p/flights/settings/environments/dev{path}" for path in ("", "/connections", "/connections/lake_s3", "/connections/shop")),
        *(f"/api/v1/projects/flights/environments/dev{path}" for path in ("/connections", "/secrets", "/roots")),
        "/api/v1/projects/flights/jobs/daily_delays/versions/2",
    ):
        ada.ask("GET", path, expect=None)


def test_what_is_planted_is_found(stack: Stack, tmp_path: Path) -> None:
    """Of each canary in each form, in a file, in Redis, in a row and in a process's command line and environment."""
    for form, name in FORMS.items():
        (tmp_path / "planted").write_bytes(b"before" + form + b"after")
        assert in_files(tmp_path) == {"planted": {name}}
    client = redis_of(stack.home)
    client.hset("planted", "field", f"Bearer {base64.b64encode(PASSWORD.encode()).decode()}")
    client.rpush("planted-list", quote(ONE))
    assert in_redis(client) == {b"planted": {"a password"}, b"planted-list": {"a secret of the environment"}}
    with Watch(stack.home) as watch:
        until(lambda: watch.looks > 0, "a look")
        client.delete("planted", "planted-list", f"planted {SECRET_KEY}")
        for words, variables in ((["sleep", "5", f"--{ACCESS_KEY}"], {}), (["sleep", "5"], {"PGPASSWORD": quote_plus(PASSWORD)})):
            with subprocess.Popen(["/bin/sh", "-c", "sleep 2", *words], env=variables):
                time.sleep(1)
        until(lambda: len(watch.found) == 3, "what was planted")
    assert watch.found == {"an access key", "a password", "the secret that belongs to it"}
    client.close()


def test_five_canaries_are_nowhere(stack: Stack, ada: Person, s3_server: S3Server, mounted: Path, tally: Tally) -> None:
    with Watch(stack.home) as watch:
        connect(ada, s3_server)
        states = use(ada, stack)
        look_at_pages(ada)
    client = redis_of(stack.home)
    dump = stack.ask("dump")
    used = {row["pk"]: row["fields"] for row in json.loads(dump) if row["model"] == "environments.connectionsecret"}
    handed = [row["used_by"] for row in used.values() if row["used_at"]]
    places = {
        "processes, files and commands meanwhile": watch.found,
        "rows of the database": found_in(dump.encode()),
        "files of the home": in_files(stack.home),
        "keys of Redis": in_redis(client),
        "answers of pages and API, exports": {name for said in ada.said for name in found_in(said)},
    }
    client.close()
    for (place, found), times in zip(places.items(), (watch.looks + watch.commands, 1, 1, 1, len(ada.said)), strict=True):
        tally(f"5 secrets in {len(FORMS)} forms, {place}").tried(times=times, leaked=len(found))
    assert not any(places.values()), places
    assert states == ["succeeded", "succeeded"] and len(handed) >= 2 and watch.looks > 5 and watch.commands > 5
    assert ACCESS_KEY.encode() not in (stack.home / "sluice.sqlite3").read_bytes()
