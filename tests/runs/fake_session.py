"""Speaks `serve`'s half of the contract without Spark, as a request's `behaviour` says. Reads on while it works, as the real one does."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

cancelled: set[str] = set()


def say(event: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def work(request: dict[str, Any]) -> None:
    behaviour, name = request.get("behaviour"), request["id"]
    if behaviour == "die":
        os._exit(9)
    end = time.monotonic() + request.get("seconds", 0)
    while time.monotonic() < end and (behaviour == "deaf" or name not in cancelled):
        time.sleep(0.01)
    if behaviour == "lose Spark":
        say("problem", id=name, last=True, over=True, problem={"code": "sql-plan-too-long"})
        time.sleep(60)
    elif name in cancelled:
        say("cancelled", id=name, last=True)
    else:
        told = {"told": request["values"]} if request.get("tells") else {}
        say("rows", id=name, last=True, lake=request["values"]["lake"], pid=os.getpid(), **told)


time.sleep(float(os.environ.get("FAKE_START_SECONDS", "0")))
say("ready")
for line in sys.stdin:
    asked = json.loads(line)
    if asked["request"] == "cancel":
        cancelled.add(asked["id"])
    else:
        threading.Thread(target=work, args=(asked,), daemon=True).start()
