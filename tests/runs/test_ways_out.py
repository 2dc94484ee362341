"""Code that has got past every gate runs inside the command line of a run that was given places to reach, and tries to reach more: real
bubblewrap and real servers, as the user who runs these tests and, where that is root, as an ordinary user too."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from executor.connections.base import Endpoint
from portal.outgoing import addresses
from portal.runs import launcher, own_network, sandbox
from portal.runs.egress import Egress
from portal.runs.launcher import inner_pids
from portal.runs.preview_lease import Key, Lease
from tests.outgoing.test_client import self_signed
from tests.runs.behind_the_wall import Serve, Wall, until
from tests.runs.test_egress import HERE

pytestmark = pytest.mark.spark  # needs bubblewrap, which that part of the tests brings

ASK = """
import json, os, socket, ssl, sys
told = json.loads(input())
def tried(do):
    try:
        return do()
    except OSError as error:
        return type(error).__name__ + ": " + str(error.strerror or error)
def answer(connection):
    found = b""
    while part := connection.recv(65536):
        found += part
    return found.decode()
def asked(host, port, family=0):
    with socket.create_connection((host, port), timeout=5) as connection:
        return answer(connection)
"""


@pytest.fixture
def out() -> Iterator[Callable[..., Egress]]:
    """Ways out to `host:port` places, all of them really on this machine's loopback."""
    made: list[Egress] = []

    def make(*places: tuple[str, int], networks: tuple[str, ...] = HERE) -> Egress:
        known = [Endpoint(host, port, networks) for host, port in places]
        made.append(Egress(known, lambda host, port, allowed: addresses.checked_host("127.0.0.1", port, allowed)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def found_by(wall: Wall, script: str, told: dict[str, Any], egress: Egress | None) -> Any:
    done = wall.run(ASK + script, told, egress=egress)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_a_place_answers_by_its_name_and_nothing_else_does(wall: Wall, serve: Serve, out: Callable[..., Egress], tmp_path: Path) -> None:
    """The machine's own servers and sockets, other addresses, other ports, DNS and IPv6."""
    heard: list[str] = []

    def other(one: socket.socket) -> None:
        heard.append("other")

    port, secret = serve(lambda one: one.sendall(b"of the place")), serve(other)
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("")  # a name of the kernel's choice
    abstract.listen()
    with abstract, socket.create_server(("::1", 0), family=socket.AF_INET6) as six:
        script = """
tries = {
    "by name": lambda: asked("db.test", told["port"]),
    "upper case": lambda: asked("DB.test", told["port"]),
    "address": lambda: asked("127.0.1.2", told["port"]),
    "literal": lambda: asked("10.1.2.3", told["port"]),
    "other port": lambda: asked("db.test", told["secret"]),
    "machine": lambda: asked("127.0.0.1", told["secret"]),
    "another loopback": lambda: asked("127.0.1.3", told["port"]),
    "trailing dot": lambda: asked("db.test.", told["port"]),
    "unknown name": lambda: asked("example.org", 80),
    "public": lambda: asked("1.1.1.1", 80),
    "private": lambda: asked("10.0.0.1", 80),
    "metadata": lambda: asked("169.254.169.254", 80),
    "neighbour of the literal": lambda: asked("10.1.2.4", told["port"]),
    "ipv6": lambda: asked("::1", told["six"]),
    "mapped": lambda: asked("::ffff:127.0.0.1", told["secret"]),
    "public ipv6": lambda: asked("2606:4700::1111", 80),
    "dns": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x" * 20, ("1.1.1.1", 53)),
    "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(bytes.fromhex(told["abstract"])),
    "below 1024": lambda: socket.create_server(("127.0.1.9", 443)),
    "hosts": lambda: open("/etc/hosts", "a"),
    "taken": lambda: socket.create_server(("127.0.1.2", told["port"])),
}
found = {name: tried(do) for name, do in tries.items()}
found["ipv6 addresses"] = tried(lambda: open("/proc/self/net/if_inet6").read())
found["open"] = sorted(os.listdir("/proc/self/fd"))[:-1]
links = [tried(lambda: os.readlink("/proc/self/fd/" + name)) for name in os.listdir("/proc/self/fd")]
found["sockets"] = [link for link in links if link.startswith("socket")]
found["caps"] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap")]
print(json.dumps(found))
"""
        egress = out(("db.test", port), ("10.1.2.3", port))
        told = {"port": port, "secret": secret, "six": six.getsockname()[1], "abstract": abstract.getsockname().hex()}
        found = found_by(wall, script, told, egress)
    answered = {name for name, end in found.items() if end == "of the place"}
    assert answered == {"by name", "upper case", "address", "literal"}
    assert found["other port"] == found["machine"] == found["another loopback"] == "ConnectionRefusedError: Connection refused"
    assert {found[name] for name in ("public", "private", "metadata", "neighbour of the literal", "dns")} == {
        "OSError: Network is unreachable"
    }
    assert {found[name].split(":")[0] for name in ("unknown name", "trailing dot")} == {"gaierror"}
    assert {found[name].split(":")[0] for name in ("ipv6", "public ipv6", "unix", "below 1024", "hosts", "taken")} <= {
        "OSError",
        "PermissionError",
    }
    assert (found["mapped"].split(":")[0], heard) == ("ConnectionRefusedError", [])
    assert found["ipv6 addresses"] in ("", "FileNotFoundError: No such file or directory")
    assert (found["sockets"], set(found["caps"])) == ([], {"0000000000000000"})
    assert found["open"] == ["0", "1", "2"]
    until(lambda: not egress._open)
    did = egress.reached.did
    assert (did[f"db.test:{port}"].connections, did[f"10.1.2.3:{port}"].connections) == (3, 1)
    assert did[f"db.test:{port}"].received == 3 * len("of the place")


def test_a_place_whose_address_is_not_allowed_answers_nothing_and_is_counted(wall: Wall, serve: Serve, out: Callable[..., Egress]) -> None:
    heard: list[object] = []
    port = serve(heard.append)
    egress = out(("db.test", port), networks=("10.0.0.0/8",))
    found = found_by(wall, 'print(json.dumps(tried(lambda: asked("db.test", told["port"]))))', {"port": port}, egress)
    assert found == "ConnectionResetError: Connection reset by peer" and heard == []
    assert egress.reached.did[f"db.test:{port}"].refused == 1


def test_two_runs_reach_their_own_places_alone(wall: Wall, serve: Serve, out: Callable[..., Egress]) -> None:
    mine, theirs = serve(lambda one: one.sendall(b"mine")), serve(lambda one: one.sendall(b"theirs"))
    script = """
print(json.dumps([tried(lambda: asked("db.test", port)) for port in told["ports"]]), flush=True)
sys.stdin.read()
"""
    told = json.dumps({"ports": [mine, theirs]}) + "\n"
    first = wall.start(ASK + script, egress=out(("db.test", mine)))
    second = wall.start(ASK + script, egress=out(("db.test", theirs)))
    answers = []
    for process in (first, second):
        assert process.stdin and process.stdout
        process.stdin.write(told)
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
    for process in (first, second):
        process.communicate(timeout=20)
    refused = "ConnectionRefusedError: Connection refused"
    assert answers == [["mine", refused], [refused, "theirs"]]


def test_tls_is_with_the_place_itself_and_200_mb_come_whole(
    wall: Wall, out: Callable[..., Egress], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below port 1024, as https is; the certificate is for the name alone."""
    certificate = self_signed(tmp_path, "lake.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    plain = socket.create_server(("127.0.0.1", 0))
    port, block = plain.getsockname()[1], bytes(range(256)) * 4096

    def answer() -> None:
        with suppress(OSError):
            for _ in range(2):
                with context.wrap_socket(plain.accept()[0], server_side=True) as one:
                    size = int(one.recv(100))
                    for _ in range(size):
                        one.sendall(block)

    threading.Thread(target=answer, daemon=True).start()
    script = """
import hashlib
context = ssl.create_default_context(cadata=told["certificate"])
with socket.create_connection(("lake.test", 443), timeout=30) as raw, context.wrap_socket(raw, server_hostname="lake.test") as one:
    one.sendall(b"200")
    size, digest = 0, hashlib.sha256()
    while part := one.recv(262144):
        size += len(part); digest.update(part)
with socket.create_connection(("lake.test", 443), timeout=30) as raw:
    wrong = tried(lambda: context.wrap_socket(raw, server_hostname="other.test"))
print(json.dumps([size, digest.hexdigest(), wrong if isinstance(wrong, str) else "no error"]))
"""
    egress = out(("lake.test", 443))
    connect = egress._connected_to
    monkeypatch.setattr(egress, "_connected_to", lambda address, _: connect(address, port))  # none of ours may be below 1024 here
    size, digest, wrong = found_by(wall, script, {"certificate": certificate.read_text()}, egress)
    plain.close()
    whole = hashlib.sha256()
    for _ in range(200):
        whole.update(block)
    assert (size, digest) == (200 * len(block), whole.hexdigest())
    assert wrong.startswith("SSLCertVerificationError")


def test_the_run_is_ended_while_bytes_flow(wall: Wall, serve: Serve, out: Callable[..., Egress]) -> None:
    ends: list[Any] = []

    def pours(one: socket.socket) -> None:
        try:
            while True:
                one.sendall(b"x" * 10_000)
        except OSError as error:
            ends.append(type(error))

    port = serve(pours)
    egress = out(("db.test", port))
    process = wall.start(
        ASK + 'one = socket.create_connection(("db.test", told["port"]))\nprint(len(one.recv(1)), flush=True)\nwhile one.recv(65536): pass',
        egress=egress,
    )
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps({"port": port}) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "1\n"
    process.kill()
    until(lambda: ends and not egress._open)  # the kernel ends everything behind the wall, and that breaks the connection
    process.communicate(timeout=10)
    assert ends[0] in (ConnectionResetError, BrokenPipeError) and egress.reached.did[f"db.test:{port}"].received > 0


def test_the_program_is_still_found_and_asked_to_end(wall: Wall, serve: Serve, out: Callable[..., Egress]) -> None:
    script = (
        "import signal, sys, time\nsignal.signal(15, lambda *_: (print('asked'), sys.exit(7)))\nprint('up', flush=True)\n"
        "while True: time.sleep(0.1)"  # a signal right before a sleep is heard after it
    )
    process = wall.start(script, egress=out(("db.test", 1)))
    assert process.stdout and process.stdout.readline() == "up\n"
    (inner,) = inner_pids(process.pid)
    subprocess.run(["/bin/kill", "-TERM", str(inner)], check=True)
    text, _ = process.communicate(timeout=10)
    assert (text, process.returncode) == ("asked\n", 7)


def test_it_dies_with_whoever_started_it(wall: Wall, out: Callable[..., Egress]) -> None:
    """As without places, see docs/decisions/sandbox.md."""
    egress = out(("db.test", 1))
    process: list[subprocess.Popen[str]] = []
    ended = threading.Event()

    def start() -> None:
        process.append(wall.start("print('up', flush=True)\nimport time\ntime.sleep(60)", egress=egress))
        assert process[0].stdout and process[0].stdout.readline() == "up\n"
        ended.wait(10)

    thread = threading.Thread(target=start)
    thread.start()
    until(lambda: process)
    ended.set()
    thread.join()
    assert process[0].wait(timeout=5) in (-signal.SIGKILL, 137)
    process[0].communicate()


def test_without_places_the_command_line_is_that_of_today(home: Path, settings: Any) -> None:
    settings.RUN_DIR = home / "run"
    plain = sandbox.wrapped(["true"], lake=home, writable=False)
    assert plain[:3] == ["/bin/sh", "-c", sandbox.START]
    told = Path(plain[5]).read_bytes().split(b"\0")
    assert (b"--unshare-net" in told or b"--unshare-all" in told) and b"--share-net" not in told


def test_what_cannot_leave_the_machines_network_starts_nothing(
    wall: Wall, out: Callable[..., Egress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong before the wall: the program behind it must not begin in the machine's own network."""
    egress = out(("db.test", 1))
    broken = wall.home / "own_network.py"
    broken.write_text(Path(own_network.__file__).read_text().replace("libc.unshare(", "(lambda *_: -1)("))
    broken.chmod(0o644)
    monkeypatch.setattr(own_network, "__file__", str(broken))
    done = wall.run("print('started')", {}, egress=egress)
    assert (done.stdout, done.returncode) == ("", 1) and "no network of its own" in done.stderr
    until(lambda: not egress._thread.is_alive())


# --- a JVM, and what the launcher starts --------------------------------------------------------------------------------------

FETCH = """
import java.net.*; import java.nio.charset.*;
public class Fetch { public static void main(String[] asked) throws Exception {
    for (String one : asked) {
        try (var in = new URL(one).openStream()) { System.out.println(new String(in.readAllBytes(), StandardCharsets.UTF_8)); }
        catch (Exception e) { System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage()); }
    }
} }
"""


def test_java_reaches_its_place_by_name_without_a_word_about_it(
    home: Path, serve: Serve, out: Callable[..., Egress], settings: Any
) -> None:
    """The JVM of Spark, at its own settings: no proxy, real names and ports."""
    settings.RUN_DIR = home / "run"
    (home / "lake").mkdir()
    (home / "lake" / "Fetch.java").write_text(FETCH)
    sandbox.give_to_executors(home / "lake")

    def http(one: socket.socket) -> None:
        heading = one.recv(4000)
        body = b"asked for " + heading.split(b"Host: ")[1].split(b"\r")[0]
        one.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    port = serve(http)
    egress = out(("lake.test", port))
    asked = [f"http://lake.test:{port}/x", f"http://lake.test:{port + 1}/", "http://10.0.0.1/", "http://example.org/", "http://[::1]/"]
    command = [f"{sandbox.java_home()}/bin/java", "-Xmx64m", "-XX:TieredStopAtLevel=1", "/lake/Fetch.java", *asked]
    argv = sandbox.wrapped(command, lake=home / "lake", writable=False, egress=egress)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[egress.descriptor]) as process:
        egress.serve()
        text, errors = process.communicate(timeout=60)
    told = text.splitlines()
    assert told[0] == f"asked for lake.test:{port}", errors
    assert told[1] == "ConnectException: Connection refused" and "unreachable" in told[2] and told[3] == "UnknownHostException: example.org"
    assert len(told) == 5 and "Exception" in told[4]


@pytest.fixture
def launches(home: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says what the launcher starts from now on, instead of an executor."""
    settings.RUN_DIR, settings.LAKE_DIR = home / "run", home / "lake"

    def say(script: str) -> None:
        monkeypatch.setattr(launcher, "command", lambda arguments: [sys.executable, "-c", ASK + script])

    return say


def open_files() -> set[str]:
    return {link for one in Path("/proc/self/fd").iterdir() if (link := _link(one)).startswith("socket:")}


def _link(file: Path) -> str:
    with suppress(OSError):
        return str(file.readlink())
    return ""


@pytest.mark.django_db
def test_a_run_with_places_leaves_nothing_open_and_says_what_it_reached(dev: Any, serve: Serve, launches: Callable[[str], None]) -> None:
    """With the real check of addresses."""
    port = serve(lambda one: one.sendall(b"answer" if one.recv(10) == b"hello" else b""))
    launches("""
with socket.create_connection(("localhost", told["port"])) as one:
    one.sendall(b"hello"); print(answer(one)); raise SystemExit(3)
""")
    before = open_files()
    executor = launcher.Executor(launcher.for_run(dev, "x", endpoints=[Endpoint("localhost", port, HERE)]), {"port": port})
    assert executor.output.get(timeout=20) == ("out", "answer")
    assert executor.finish() == 3
    place = f"localhost:{port}"
    traffic = {"connections": 1, "sent": 5, "received": 6, "refused": 0, "failed": 0, "why": ""}
    assert executor.launch.reached.as_dict() == {"could": [place], "did": {place: traffic}}
    until(lambda: open_files() <= before)


@pytest.mark.django_db
def test_a_preview_with_places_is_answered(dev: Any, serve: Serve, launches: Callable[[str], None]) -> None:
    port = serve(lambda one: one.sendall(b"ready"))
    launches(f"""print(json.dumps({{"event": asked("localhost", {port})}}), flush=True); input()""")
    launch = launcher.for_previews(dev, endpoints=[Endpoint("localhost", port, HERE)])

    async def preview() -> None:
        lease = Lease(Key(1, 1, dev.pk), "Ana", launch)
        await lease.start()
        lease._send({})
        await asyncio.wait_for(lease.ready.wait(), 20)
        await lease.end()

    before = open_files()
    with ThreadPoolExecutor(1) as beside:  # a browser that another test has used keeps a loop running here
        beside.submit(asyncio.run, preview()).result()
    assert launch.reached.did[f"localhost:{port}"].connections == 1
    until(lambda: open_files() <= before)


@pytest.mark.django_db
def test_nothing_goes_on_that_is_ended_while_its_network_and_wall_are_made(dev: Any, launches: Callable[[str], None], home: Path) -> None:
    launches(f"import time; time.sleep(100)  # of {home}")
    for moment in range(0, 120, 10):
        executor = launcher.Executor(launcher.for_run(dev, "early", endpoints=[Endpoint("db.test", 1)]))
        time.sleep(moment / 1000)
        executor.kill()
        executor.finish()
        egress = executor.launch.egress
        until(lambda: egress and not egress._thread.is_alive())  # noqa: B023 - asked here and now
    until(lambda: not [one for one in Path("/proc").glob("[0-9]*") if f"# of {home}" in text_of(one / "cmdline")], 20)


def text_of(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(errors="replace")
    return ""


@pytest.mark.django_db
def test_without_a_wall_nothing_starts_that_reaches_other_machines(
    dev: Any, launches: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it could reach all that the machine reaches; also where the lowest environment runs without a wall."""
    places = [Endpoint("db.test", 1)]
    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "status", lambda: sandbox.Status("degraded", "There is no bubblewrap."))
        launcher.for_run(dev, "x").clear()
        with pytest.raises(launcher.SandboxMissing, match="cannot hold a run to the places .* There is no bubblewrap"):
            launcher.for_run(dev, "x", endpoints=places)
    monkeypatch.setattr(sandbox, "_can_have_network", {})
    monkeypatch.setattr(own_network, "__file__", "/nonexistent/own_network.py")
    launcher.for_run(dev, "x").clear()
    with pytest.raises(launcher.SandboxMissing, match="cannot hold a run to the places"):
        launcher.for_run(dev, "x", endpoints=places)
