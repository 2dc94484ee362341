"""AWS Secrets Manager: a secret's name is the path; its value is a JSON object with the fields, or the one field alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from portal.environments.backends.aws import OfAws


class AwsSecrets(OfAws):
    """The version that is current."""

    kind: ClassVar[str] = "aws-secrets"
    title: ClassVar[str] = "AWS Secrets Manager"

    def read(self, path: str, fields: Collection[str]) -> Mapping[str, str]:
        with self.asked("secretsmanager") as client:
            answer = client.get_secret_value(SecretId=path)
        if "SecretString" not in answer:
            raise self.failed("has something there that is no text")
        return self.in_json(answer["SecretString"], fields)
