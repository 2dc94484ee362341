"""A service over HTTP: TLS, and what it answers at its base address."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from executor import trust
from executor.connections.http import HTTP
from executor.trials.trial import Placed, Step, Stopped, Trial, broken_off, fact, seconds, tls

_ANEW = "Set it anew: it may be wrong, have expired, or lack a right."


def test(connection: HTTP, trial: Trial, roots: Sequence[Placed]) -> None:
    """TLS and sign-in. Raises Stopped."""
    (place,) = connection.endpoints(())
    tls(trial, place.host, place.port, is_on=connection.tls == "verified", authority=connection.authority)
    with trial.step("Sign-in" if connection.needed_secrets() else "Answer") as step:
        _judge(step, _status(connection), signs_in=bool(connection.needed_secrets()))


def _status(connection: HTTP) -> int:
    """Of one GET; nothing of the answer is read but its head, and nobody is followed elsewhere."""
    trusted = trust.context(authority=connection.authority)
    headers = {**connection.headers(), "User-Agent": "Sluice", "Accept-Encoding": "identity"}
    try:
        with (
            httpx.Client(trust_env=False, follow_redirects=False, verify=trusted, timeout=seconds()) as client,
            client.stream("GET", connection.base(), headers=headers) as answer,
        ):
            return answer.status_code
    except httpx.TimeoutException:
        raise broken_off(TimeoutError()) from None
    except httpx.RemoteProtocolError as error:
        if "disconnected" in str(error):
            raise broken_off(EOFError()) from None
        raise Stopped("Something answers, but it does not speak HTTP.", "Look at the address and its port.") from None
    except httpx.HTTPError:
        raise broken_off(EOFError()) from None


def _judge(step: Step, status: int, *, signs_in: bool) -> None:
    """Raises Stopped."""
    if status == 401 and signs_in:
        raise Stopped("The service does not take what it signs in with (401).", _ANEW)
    if status == 401:
        raise Stopped("The service lets nobody in who does not sign in (401).", "Choose how it signs in.")
    if status == 403:
        raise Stopped("The service knows who asks and refuses it (403).", _ANEW)
    if status in (429, 503):
        raise Stopped(f"The service is asked for too much just now ({status}).", "Try again later.")
    if status >= 500:
        raise Stopped(f"The service has failed ({fact(status)}).", "Ask whoever runs it.")
    if 300 <= status < 400:
        raise Stopped(f"The service sends on to another address ({status}), and jobs do not follow.", "Write the address it sends to.")
    if 200 <= status < 300:
        step.good(f"The service answers ({status}){', and takes what it signs in with' if signs_in else ''}.")
    else:
        step.note(f"The service answers ({status}), with nothing at the base address itself. Whether it takes the sign-in is not sure yet.")
