"""`manage.py create_admin NAME EMAIL`: the first person of a new Sluice, who then makes all others on the people page."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from portal.accounts.models import Membership, Role, User
from portal.audit.actions import record


class Command(BaseCommand):
    help = "Makes a platform admin. The password is asked for, or read from standard input when that is not a terminal."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("email")

    def handle(self, *args: Any, username: str, email: str, **options: Any) -> None:
        if User.objects.filter(username=username).exists():
            raise CommandError(f"There is a person named {username} already.")
        password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            validate_password(password)
        except ValidationError as weak:
            raise CommandError(" ".join(weak.messages)) from None
        with transaction.atomic():
            person = User.objects.create_user(username, email=email, password=password, first_name=username.title())
            Membership.objects.create(user=person, role=Role.PLATFORM_ADMIN)
            record(action="create_admin", actor=None, subject=person)
        self.stdout.write(f"{username} is a platform admin. Sign in and make projects and people in the settings.")
