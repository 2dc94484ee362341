"""AWS Systems Manager's parameters: /path/field is one, of the type SecureString; /path itself where the field is empty."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from portal.environments.backends.aws import OfAws


class AwsSsm(OfAws):
    """All fields come in one answer."""

    kind: ClassVar[str] = "aws-ssm"
    title: ClassVar[str] = "AWS SSM Parameter Store"

    def read(self, path: str, fields: Collection[str]) -> Mapping[str, str]:
        if path.startswith("aws/"):
            raise self.failed("keeps what is AWS's own there, and no secret of an environment")
        names = {f"/{path}/{field}" if field else f"/{path}": field for field in fields}
        with self.asked("ssm") as client:
            found = client.get_parameters(Names=list(names), WithDecryption=True)["Parameters"]
        if any(one["Type"] != "SecureString" for one in found):
            raise self.failed("has a parameter there that is no SecureString, so it is kept in plain text")
        return {names[one["Name"]]: one["Value"] for one in found}
