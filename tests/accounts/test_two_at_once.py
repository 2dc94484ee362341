"""Guesses that come at the same moment. Threads need a database that takes several writers; SQLite takes one at a time by itself."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from portal.accounts import sign_in
from portal.accounts.models import User
from tests.at_once import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database_server")]
THREADS = 20


def test_of_many_guesses_at_once_five_are_tried() -> None:
    User.objects.create_user("ana", password="a long secret")

    def guess(number: int) -> None:
        sign_in.sign_in(RequestFactory().post("/sign-in"), username="ana", password=f"guess {number}")

    codes = at_once(guess, THREADS)
    assert sorted(codes) == ["too-many-tries"] * (THREADS - 5) + ["wrong-password"] * 5
