"""Strict helpers that read settings from the environment; a wrong value stops the start with a sentence."""

from __future__ import annotations

import os
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import takewhile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def env_text(name: str, default: str = "") -> str:
    """The variable, or the content of the file named by NAME_FILE (for mounted secrets), or the default."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def env_flag(name: str, default: bool = False) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off or nothing."""
    text = os.environ.get(name, "").strip().lower()
    if text == "":
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is “{text}”; it must be 1 or 0.")


def env_int(name: str, default: int) -> int:
    """A whole number."""
    text = os.environ.get(name, "").strip()
    try:
        return int(text) if text else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} is “{text}”; it must be a whole number.") from None


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def env_networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Comma-separated networks in CIDR form (10.1.0.0/16, ::1/128)."""
    try:
        return [ip_network(text) for text in env_list(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}; write networks such as 10.1.0.0/16.") from None


def env_folders(name: str) -> list[str]:
    """Comma-separated folders, written from the top; {project} and {environment} may be names in them. What is before those stands as it
    really lies."""
    return [_folder(name, text.rstrip("/")) for text in env_list(name)]


def _folder(name: str, text: str) -> str:
    first, *parts = text.split("/")
    named = [part for part in parts if "{" in part or "}" in part]
    if first or not parts or any(part in ("", ".", "..") for part in parts):
        raise ImproperlyConfigured(
            f"{name}: “{text}” must be a folder such as /srv/data or /srv/data/{{project}}, and not all of the machine."
        )
    if named not in ([], ["{project}"], ["{project}", "{environment}"]):
        raise ImproperlyConfigured(f"{name}: “{text}” may hold {{project}}, or {{project}} and later {{environment}}, as whole names.")
    fixed = list(takewhile(lambda part: part not in named, parts))
    real = os.path.realpath("/" + "/".join(fixed))
    if real == "/":
        raise ImproperlyConfigured(f"{name}: “{text}” leads to all of the machine.")
    return "/".join([real, *parts[len(fixed) :]])


OWN_FOLDERS = ("lake", "run", "objects", "log", "mail", "secrets", "static")
OWN_FILES = ("sluice.sqlite3", "sluice.sqlite3-wal", "sluice.sqlite3-shm")
"""What Sluice keeps in its home."""


def home_folder(default: Path) -> Path:
    """The folder of SLUICE_HOME, made when it is missing, and closed to everybody else on the machine where that is in our power
    (`open_to_others` says whether it was)."""
    folder = Path(env_text("SLUICE_HOME", str(default))).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"SLUICE_HOME is “{folder}”, which cannot be a folder ({error.strerror}).") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"SLUICE_HOME is “{folder}”, and nothing may be written there. Name another folder.")
    for path, mode in ((folder, 0o700), *((folder / name, 0o700) for name in OWN_FOLDERS), *((folder / name, 0o600) for name in OWN_FILES)):
        _close(path, mode)
    return folder


def _close(path: Path, mode: int) -> None:
    with suppress(OSError):  # not there yet, or somebody else's: `open_to_others` tells
        if not path.is_symlink() and path.stat().st_mode & 0o077:
            path.chmod(mode)


def open_to_others(home: Path) -> str:
    """One sentence when other users of the machine may look into `home`; else empty."""
    mode = home.stat().st_mode & 0o777
    return f"Other users of this machine can look into Sluice's home (its mode is {mode:o}); it must be 700." if mode & 0o077 else ""


def private_files() -> None:
    """From now on what this process and its children write is for Sluice alone."""
    os.umask(0o077)


def secret_from_home(home: Path, name: str) -> str:
    """A random secret kept in `home/secrets/name` (mode 600), made at the first call. Safe when two processes call at once."""
    import secrets

    path = home / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="utf-8").strip()
