"""What the two secret managers of AWS have in common: who signs in, how long one waits, and refusals in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import Field

from portal.environments.backends.base import ANSWER_SECONDS, CONNECT_SECONDS, Address, SecretBackend

IN_WORDS = {
    "AccessDeniedException": "does not let Sluice read what lies there",
    "UnrecognizedClientException": "does not know who Sluice signs in as",
    "InvalidSignatureException": "does not believe who Sluice signs in as",
    "ExpiredTokenException": "says that what Sluice signs in with has expired",
    "ResourceNotFoundException": "has nothing there",
    "ParameterNotFound": "has nothing there",
    "InvalidRequestException": "has something there that is to be deleted",
    "DecryptionFailure": "cannot decrypt what lies there with its KMS key",
    "InvalidKeyId": "cannot decrypt what lies there with its KMS key",
    "ThrottlingException": "has too much to do just now",
}


class OfAws(SecretBackend):
    """Who Sluice signs in as is found as boto3 finds it: a role of the machine, or the operator's environment."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d{1,2}$")
    endpoint: Address | None = None
    """When it is not where AWS has it: an endpoint of one's own network."""

    @contextmanager
    def asked(self, service: str) -> Iterator[Any]:
        """A client for one question. Raises BackendFailed."""
        import boto3  # 0.3 s and 30 MB, which only those who have a secret there pay
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        patience = Config(connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 2})
        client = boto3.client(service, region_name=self.region, endpoint_url=self.endpoint, config=patience)  # type: ignore[call-overload]
        try:
            yield client
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise self.failed(IN_WORDS.get(code, f"refuses ({code})")) from None
        except BotoCoreError as error:
            raise self.failed(f"does not answer ({type(error).__name__})") from None
        finally:
            client.close()
