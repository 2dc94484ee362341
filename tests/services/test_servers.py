"""The servers that tests start are the real ones."""

from __future__ import annotations

import smtplib

import boto3
import pytest
from redis import Redis

from tests.services import postgresql, redis, s3, smtp

pytestmark = pytest.mark.services


def test_postgresql_runs_without_being_root() -> None:
    import psycopg

    with postgresql.running() as url, psycopg.connect(url) as connection:
        row = connection.execute("SELECT version(), current_setting('server_encoding')").fetchone()
    assert row is not None and row[0].startswith("PostgreSQL") and row[1] == "UTF8"


def test_redis_forgets_everything_when_it_is_killed_and_comes_back_at_the_same_place() -> None:
    with redis.running() as server, Redis.from_url(server.url) as client:
        client.set("hint", "1")
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        server.kill()
        server.start()
        assert client.get("hint") is None


def test_s3_keeps_what_it_is_given() -> None:
    with s3.running() as address:
        client = boto3.client("s3", endpoint_url=address, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
        client.create_bucket(Bucket="sluice")
        client.put_object(Bucket="sluice", Key="x", Body=b"42")
        assert client.get_object(Bucket="sluice", Key="x")["Body"].read() == b"42"
        client.close()


def test_smtp_receives_mail_and_can_refuse_it() -> None:
    with smtp.running() as mailbox, smtplib.SMTP(mailbox.host, mailbox.port) as sender:
        sender.sendmail("a@sluice.test", "b@sluice.test", "Subject: late\n\nA run is late.")
        mailbox.refuses = True
        with pytest.raises(smtplib.SMTPDataError):
            sender.sendmail("a@sluice.test", "b@sluice.test", "Subject: again\n\nNo.")
    assert [mail["Subject"] for mail in mailbox.mails] == ["late"]
