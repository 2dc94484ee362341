"""HashiCorp Vault (or OpenBao): the second version of its key/value engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from portal.environments.backends.base import ANSWER_SECONDS, CONNECT_SECONDS, WHOLE, Address, SecretBackend

if TYPE_CHECKING:
    from hvac import Client
    from requests import Session


class HashiCorp(SecretBackend):
    """Signs in with a token in a file (read anew each time, so an agent may renew it), or as an AppRole."""

    kind: ClassVar[str] = "hashicorp"
    title: ClassVar[str] = "HashiCorp Vault"

    url: Address
    mount: str = Field(default="secret", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")
    namespace: str = Field(default="", pattern=r"^[A-Za-z0-9_/-]*$")
    ca_file: str = ""
    """Who vouches for it, where the machine's own authorities do not."""
    token_file: str = ""
    role_id: str = ""
    secret_id_file: str = ""

    @model_validator(mode="after")
    def _one_way_in(self) -> HashiCorp:
        if bool(self.token_file) == bool(self.role_id and self.secret_id_file):
            raise ValueError("token_file, or role_id and secret_id_file, say how Sluice signs in")
        return self

    def read(self, path: str, fields: Collection[str]) -> Mapping[str, str]:
        answer = self._answer(path)
        data = answer.get("data", {}).get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):  # a redirect to another host is such an answer, too
            raise self.failed("gives an answer that is none of the key/value engine's second version")
        if WHOLE in fields:
            raise self.failed("keeps fields: one of them has to be named")
        return {name: value for name, value in data.items() if isinstance(value, str)}

    def _answer(self, path: str) -> Any:
        from hvac import exceptions
        from requests import Session

        try:
            with Session() as session:
                client = self._signed_in(session)
                return client.secrets.kv.v2.read_secret_version(path=path, mount_point=self.mount, raise_on_deleted_version=True)
        except (exceptions.Forbidden, exceptions.Unauthorized):
            raise self.failed("does not let Sluice in, or not read what lies there") from None
        except exceptions.InvalidPath:
            raise self.failed("has nothing there") from None
        except exceptions.VaultDown:
            raise self.failed("is sealed") from None
        except exceptions.VaultError as error:
            raise self.failed(f"refuses ({type(error).__name__})") from None
        except OSError as error:
            raise self.failed(f"does not answer ({type(error).__name__})") from None

    def _signed_in(self, session: Session) -> Client:
        """Nothing of the environment counts, no redirect is followed: the token goes to this host only."""
        from hvac import Client

        session.trust_env = False
        client = Client(
            url=self.url,
            token=self._secret(self.token_file) if self.token_file else "",
            verify=self.ca_file or True,
            timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            allow_redirects=False,
            session=session,
            namespace=self.namespace or None,
        )
        if self.role_id:
            answer = client.auth.approle.login(role_id=self.role_id, secret_id=self._secret(self.secret_id_file), use_token=False)
            if not isinstance(answer, dict):
                raise self.failed("gives no token to the role that Sluice has")
            client.token = answer["auth"]["client_token"]
        return client

    def _secret(self, file: str) -> str:
        try:
            return Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise self.failed("cannot be asked: the file with which Sluice signs in cannot be read") from None
