"""The checks that look at the target: each is red when it should be, and what was not looked at does not count as passed."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.jobs.models import Job, JobVersion, LiveVersion, Place
from portal.promotions import target
from portal.promotions.actions import approve_promotion, decline_promotion, request_promotion
from portal.promotions.candidate import Gate
from portal.promotions.models import Promotion
from portal.promotions.review import review_before, review_of
from portal.runs.models import StageRun
from tests.factories import DOCUMENT, make_job, make_run, make_version
from tests.targets import FLIGHTS, WROTE, lake_of, note_columns, put

INPUTS, COLUMNS, OUTPUTS = "Inputs are there in test", "Columns in test as in the good run", "Outputs can be written in test"


def gate(version: JobVersion, who: User, name: str) -> Gate:
    """What one rule says of a version on its way from dev to test."""
    dev, test = version.job.project.environments.order_by("rank")[:2]
    return next(one for one in review_before(who, version, dev, test)[1].gates if one.name == name)


def version_of(job: Job, dev: Environment, document: dict[str, Any]) -> JobVersion:
    made = make_version(job, document=document, live_in=("dev",))
    note_columns(make_run(made, dev, "succeeded"))
    return made


def document_with(**fields: Any) -> dict[str, Any]:
    """The usual document with other fields of its extract (or, with load=…, of its load)."""
    document = json.loads(json.dumps(DOCUMENT))
    document["stages"][2] |= fields.pop("load", {})
    document["stages"][0] |= fields
    return document


def test_all_is_well(version: JobVersion, ana: User) -> None:
    assert [gate(version, ana, name).verdict for name in (INPUTS, COLUMNS, OUTPUTS)] == ["ok", "ok", "ok"]


# --- inputs ---------------------------------------------------------------------------------------------------------------


def test_an_input_that_is_missing_is_named_with_where_it_was_looked_for(version: JobVersion, ana: User, test_env: Environment) -> None:
    (lake_of(test_env) / "raw/flights.csv").unlink()
    found = gate(version, ana, INPUTS)
    assert found.verdict == "stop" and "nothing at “raw/flights.csv” in test" in found.sentence
    assert gate(version, ana, COLUMNS).sentence.endswith("“raw/flights.csv” cannot be compared: there is nothing in test")
    assert "Files come there on the page Data of test. Nobody brings data to test by hand" in found.findings[-1].words
    with pytest.raises(PortalError, match="nothing at “raw/flights.csv” in test"):
        request_promotion(actor=ana, version=version)


def test_who_writes_the_missing_input_is_said(version: JobVersion, ana: User, test_env: Environment) -> None:
    maker = document_with(load={"outputURI": "raw/flights.csv"}, inputURI="raw/other.csv")
    make_version(make_job(version.job.project, ana, "bring_flights"), document=maker, live_in=("test",))
    (lake_of(test_env) / "raw/flights.csv").unlink()
    assert "bring_flights writes it; run that first" in gate(version, ana, INPUTS).sentence


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_input_is_red(version: JobVersion, ana: User, test_env: Environment, text: str) -> None:
    put(test_env, text=text)
    assert "stop" in {gate(version, ana, INPUTS).verdict, gate(version, ana, COLUMNS).verdict}


def test_the_place_is_the_one_that_the_targets_parameters_name(flights: Any, ana: User, dev: Environment, test_env: Environment) -> None:
    put(dev, "raw/dev_small.csv")
    document = document_with(inputURI="raw/${part}.csv") | {"parameters": {"part": {"type": "string", "default": "dev_small"}}}
    version = version_of(make_job(flights, ana), dev, document)
    test_env.parameters = {"part": "all", "of_another_job": 1}
    test_env.save()
    put(test_env, "raw/dev_small.csv")
    assert "nothing at “raw/all.csv” in test" in gate(version, ana, INPUTS).sentence
    put(test_env, "raw/all.csv")
    assert gate(version, ana, INPUTS).verdict == gate(version, ana, COLUMNS).verdict == "ok"


def test_what_the_job_writes_itself_before_need_not_be_there(flights: Any, ana: User, dev: Environment, test_env: Environment) -> None:
    put(dev), put(test_env)
    document = document_with()
    document["stages"].append({"type": "ParquetExtract", "name": "again", "inputURI": "curated/by_origin", "outputView": "again"})
    assert gate(version_of(make_job(flights, ana), dev, document), ana, INPUTS).sentence == "1 of 1"


# --- columns --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("origin\nJFK\n", "“dep_delay” is missing"),
        ("origin,dep_delay,tail\nJFK,1,N1\n", "“tail” is there, and the good run did not read it"),
        ("origin;dep_delay\nJFK;1\n", "not separated as the stage says"),
    ],
)
def test_other_columns_are_named(version: JobVersion, ana: User, test_env: Environment, text: str, words: str) -> None:
    put(test_env, text=text)
    review = review_before(ana, version, version.job.project.environments.get(name="dev"), test_env)[1]
    red = [check for check in review.checks if check["verdict"] == "stop"]
    assert red and any(words in finding for check in red for finding in check["findings"])
    with pytest.raises(PortalError, match="cannot be promoted to test"):
        request_promotion(actor=ana, version=version)


def test_another_order_counts_where_columns_are_taken_by_their_place(
    flights: Any, ana: User, dev: Environment, test_env: Environment
) -> None:
    put(dev), put(test_env, text="dep_delay,origin\n1,JFK\n")
    by_name = version_of(make_job(flights, ana, "by_name"), dev, document_with())
    assert gate(by_name, ana, COLUMNS).verdict == "ok"
    document = document_with()
    typing = {"type": "TypingTransform", "name": "typed", "inputView": "flights", "outputView": "typed"}
    typing["schema"] = [{"name": name, "type": "string", "nullable": True} for name in ("origin", "dep_delay")]  # type: ignore[assignment]
    document["stages"].insert(1, typing)
    by_place = gate(version_of(make_job(flights, ana, "by_place"), dev, document), ana, COLUMNS)
    assert by_place.verdict == "stop" and "another order" in by_place.findings[0].words


def test_other_capitals_are_to_know_and_do_not_count_as_passed(version: JobVersion, ana: User, test_env: Environment) -> None:
    put(test_env, text=FLIGHTS.replace("origin", "Origin"))
    assert gate(version, ana, COLUMNS).verdict == "warn"


def test_files_of_one_folder_with_another_header_are_red(flights: Any, ana: User, dev: Environment, test_env: Environment) -> None:
    for environment in (dev, test_env):
        put(environment, "raw/days/1.csv"), put(environment, "raw/days/2.csv")
    version = version_of(make_job(flights, ana), dev, document_with(inputURI="raw/days"))
    assert gate(version, ana, COLUMNS).verdict == "ok"
    put(test_env, "raw/days/3.csv", "origin,fare\nJFK,1\n")
    found = gate(version, ana, INPUTS)
    assert found.verdict == "stop" and any("3.csv" in finding.words and "fare" in finding.words for finding in found.findings)


@pytest.mark.parametrize(
    "content",
    [
        b"origin,dep_delay\n\x00\x00,1\n",
        b"origin,dep_delay\nM\xfcnchen,1\n",
        b"origin,dep_delay\nJFK,1\nEWR\n",
        b'origin,dep_delay\nJFK,"1\n2"\n',
        b"origin,dep_delay\n" + b"JFK,1\n" * 50_000 + b"M\xfcnchen,1\n",
    ],
)
def test_what_a_run_would_refuse_is_red_as_far_as_it_is_looked_at(
    version: JobVersion, ana: User, test_env: Environment, content: bytes
) -> None:
    put(test_env).write_bytes(content)
    assert gate(version, ana, INPUTS).verdict == "stop"


@pytest.mark.parametrize(("kind", "verdict"), [("int64", "ok"), ("int32", "stop"), ("string", "stop")])
def test_types_of_parquet_are_compared(flights: Any, ana: User, dev: Environment, test_env: Environment, kind: str, verdict: str) -> None:
    for environment, type_there in ((dev, "int64"), (test_env, kind)):
        file = put(environment, "raw/flights/part-0.parquet", "")
        values = ["1"] if type_there == "string" else [1]
        pq.write_table(pa.table({"origin": ["JFK"], "delay": pa.array(values, type_there)}), file)
    document = document_with(inputURI="raw/flights", type="ParquetExtract")
    del document["stages"][0]["header"]
    assert gate(version_of(make_job(flights, ana), dev, document), ana, COLUMNS).verdict == verdict


def test_two_columns_of_one_name_are_red(flights: Any, ana: User, dev: Environment, test_env: Environment) -> None:
    for environment, names in ((dev, ["a", "b"]), (test_env, ["a", "A"])):
        file = put(environment, "raw/flights/part-0.parquet", "")
        pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=names), file)
    document = document_with(inputURI="raw/flights", type="ParquetExtract")
    del document["stages"][0]["header"]
    assert gate(version_of(make_job(flights, ana), dev, document), ana, INPUTS).verdict == "stop"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"a": 2, "b": "y"}\n', "ok"),
        ('{"a": "2", "b": "y"}\n', "stop"),
        ('{"a": 2}\n', "stop"),
        ('{"a": 2, "b": "y", "c": 1}\n', "stop"),
        ('{"a": 2, "b": null}\n', "ok"),
        ('{"a": 2}\n' * 40_000, "unseen"),
    ],
)
def test_keys_of_json_are_compared_as_far_as_they_were_looked_at(
    flights: Any, ana: User, dev: Environment, test_env: Environment, text: str, verdict: str
) -> None:
    put(dev, "raw/a.jsonl", '{"a": 1, "b": "x"}\n'), put(test_env, "raw/a.jsonl", text)
    document = document_with(inputURI="raw/a.jsonl", type="JSONExtract", multiLine=False)
    del document["stages"][0]["header"]
    assert gate(version_of(make_job(flights, ana), dev, document), ana, COLUMNS).verdict == verdict


def test_what_was_noted_in_words_of_before_is_not_compared(version: JobVersion, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.promotions.good_run.EDITION", 2)
    assert gate(version, ana, COLUMNS).verdict == "unseen"


@pytest.mark.parametrize(("text", "is_document"), [("hello\n", False), ('{"a": 1}\n{"a": 2}\n', True), ("[1, 2]", True)])
def test_what_is_no_json_as_the_stage_reads_it_is_red(
    flights: Any, ana: User, dev: Environment, test_env: Environment, text: str, is_document: bool
) -> None:
    put(dev, "raw/a.json", '{"a": 1}'), put(test_env, "raw/a.json", text)
    document = document_with(inputURI="raw/a.json", type="JSONExtract", multiLine=is_document)
    del document["stages"][0]["header"]
    assert gate(version_of(make_job(flights, ana), dev, document), ana, INPUTS).verdict == "stop"


def test_a_run_that_noted_nothing_speaks_for_no_columns(version: JobVersion, ana: User) -> None:
    StageRun.objects.update(details={})
    found = gate(version, ana, COLUMNS)
    assert found.verdict == "unseen" and "did not note" in found.sentence
    dev, test = version.job.project.environments.order_by("rank")[:2]
    review = review_before(ana, version, dev, test)[1]
    assert review.passed < len(review.gates)


@pytest.mark.parametrize("name", ["amount\u00a0", "a\u200bb", "x" * 199])
def test_odd_names_are_the_same_in_a_run_that_was_stored(
    flights: Any, ana: User, dev: Environment, test_env: Environment, name: str
) -> None:
    from executor.event_lines import storable

    for environment in (dev, test_env):
        put(environment, text=f"{name},b\n1,2\n")
    version = version_of(make_job(flights, ana), dev, document_with())
    for stage in StageRun.objects.all():
        StageRun.objects.filter(pk=stage.pk).update(details=storable(stage.details))
    assert gate(version, ana, COLUMNS).verdict == "ok"


def test_names_that_are_too_long_to_be_kept_are_not_taken_for_the_same(
    flights: Any, ana: User, dev: Environment, test_env: Environment
) -> None:
    for environment, end in ((dev, "a"), (test_env, "b")):
        put(environment, text="x" * 300 + f"{end},b\n1,2\n")
    assert gate(version_of(make_job(flights, ana), dev, document_with()), ana, COLUMNS).verdict == "unseen"


@pytest.mark.parametrize("noted", [{"columns": "x"}, {"columns": [["a"], 1, None]}, "x", {"edition": 1, "columns": [[1, 2, 3]]}])
def test_what_a_run_noted_in_an_odd_form_is_no_error(version: JobVersion, ana: User, noted: Any) -> None:
    StageRun.objects.update(details={"read": noted, "wrote": noted})
    assert gate(version, ana, COLUMNS).verdict in ("unseen", "stop")


def test_a_stage_that_takes_part_only_there_is_not_taken_for_compared(
    flights: Any, ana: User, dev: Environment, test_env: Environment
) -> None:
    put(dev), put(test_env), put(test_env, "raw/more.csv")
    document = document_with()
    more = {**document["stages"][0], "name": "more", "inputURI": "raw/more.csv", "outputView": "more", "environments": ["test", "prod"]}
    document["stages"].insert(1, more)
    found = gate(version_of(make_job(flights, ana), dev, document), ana, COLUMNS)
    assert found.verdict == "unseen" and "raw/more.csv" in found.sentence


def test_files_beyond_what_is_looked_at_leave_it_open(
    flights: Any, ana: User, dev: Environment, test_env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for environment in (dev, test_env):
        put(environment, "raw/days/1.csv"), put(environment, "raw/days/2.csv")
    version = version_of(make_job(flights, ana), dev, document_with(inputURI="raw/days"))
    monkeypatch.setattr("executor.files.columns.MOST_FILES", 1)
    found = gate(version, ana, COLUMNS)
    assert found.verdict == "unseen" and "was not looked at to its end" in found.sentence


# --- outputs --------------------------------------------------------------------------------------------------------------


def test_a_folder_that_takes_no_files_is_red(
    version: JobVersion, ana: User, test_env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK | os.X_OK)
    assert "cannot be written" in gate(version, ana, OUTPUTS).sentence


def test_a_file_where_the_folder_should_be_is_red(version: JobVersion, ana: User, test_env: Environment) -> None:
    put(test_env, "curated")
    assert gate(version, ana, OUTPUTS).verdict == "stop"


def test_data_that_nobody_published_is_red_until_it_is_taken_over(version: JobVersion, ana: User, olu: User, test_env: Environment) -> None:
    from portal.jobs.actions import take_over_place

    put(test_env, "curated/by_origin/mine.txt")
    found = gate(version, ana, OUTPUTS)
    assert found.verdict == "stop" and "take the place over" in found.sentence
    take_over_place(actor=olu, job=version.job, environment=test_env, uri="curated/by_origin")
    assert gate(version, ana, OUTPUTS).verdict == "ok"


def test_the_place_of_another_job_is_red(version: JobVersion, ana: User, test_env: Environment) -> None:
    put(test_env, "curated/by_origin/part-0.parquet")
    other = make_job(version.job.project, ana, "other")
    Place.objects.create(environment=test_env, key="curated/by_origin", uri="curated/by_origin", owner=other)
    assert gate(version, ana, OUTPUTS).verdict == gate(version, ana, "Places of its own in test").verdict == "stop"


def _own_output(version: JobVersion, environment: Environment, columns: dict[str, list[Any]]) -> None:
    file = put(environment, "curated/by_origin/part-0.parquet", "")
    pq.write_table(pa.table(columns), file)
    Place.objects.create(environment=environment, key="curated/by_origin", uri="curated/by_origin", owner=version.job)


@pytest.mark.parametrize(
    ("there", "verdict"),
    [
        ({"origin": ["JFK"], "flights": [1]}, "ok"),
        ({"origin": ["JFK"], "flights": ["1"]}, "stop"),
        ({"origin": ["JFK"]}, "stop"),
    ],
)
def test_rows_that_stay_have_the_same_columns(
    flights: Any, ana: User, dev: Environment, test_env: Environment, there: dict[str, list[Any]], verdict: str
) -> None:
    put(dev), put(test_env)
    version = version_of(make_job(flights, ana), dev, document_with(load={"saveMode": "Append"}))
    _own_output(version, test_env, there)
    assert gate(version, ana, OUTPUTS).verdict == verdict


@pytest.mark.parametrize(("text", "verdict"), [("", "ok"), ("no Parquet", "stop")])
def test_rows_that_are_not_there_or_cannot_be_read(
    flights: Any, ana: User, dev: Environment, test_env: Environment, text: str, verdict: str
) -> None:
    put(dev), put(test_env)
    version = version_of(make_job(flights, ana), dev, document_with(load={"saveMode": "Append"}))
    _own_output(version, test_env, {"origin": ["JFK"]})
    put(test_env, "curated/by_origin/part-0.parquet", text)
    assert gate(version, ana, OUTPUTS).verdict == verdict


@pytest.mark.parametrize(("mode", "verdict"), [("Overwrite", "ok"), ("ErrorIfExists", "stop"), ("Ignore", "warn")])
def test_what_happens_to_what_is_there(flights: Any, ana: User, dev: Environment, test_env: Environment, mode: str, verdict: str) -> None:
    put(dev), put(test_env)
    version = version_of(make_job(flights, ana), dev, document_with(load={"saveMode": mode}))
    assert gate(version, ana, OUTPUTS).verdict == "ok"
    _own_output(version, test_env, {"other": [1]})
    assert gate(version, ana, OUTPUTS).verdict == verdict


# --- a target that cannot be looked at --------------------------------------------------------------------------------------


async def _down(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    yield {"event": "problem", "problem": {"code": "previews-down", "message": "canary"}, "last": True}


async def _nonsense(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    yield {"event": "surveyed", "inputs": "all well", "outputs": None, "last": True}


async def _halves(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    yield {"event": "surveyed", "inputs": [{"stage": "flights", "columns": {"columns": [["a"]]}}], "outputs": [], "last": True}


async def _silence(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    return
    yield {}


@pytest.mark.parametrize("answer", [_down, _nonsense, _halves, _silence])
def test_a_target_that_cannot_be_looked_at_is_red_in_words(
    version: JobVersion, ana: User, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(target.preview_client, "request", answer)
    found = [gate(version, ana, name) for name in (INPUTS, COLUMNS, OUTPUTS)]
    assert all(one.verdict == "stop" and "test could not be looked at:" in one.sentence for one in found)
    assert "canary" not in str(found), "the words of a program that reads foreign bytes are not shown"
    with pytest.raises(PortalError, match="could not be looked at"):
        request_promotion(actor=ana, version=version)


def test_a_look_that_takes_too_long_is_red(version: JobVersion, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def never(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        await asyncio.sleep(60)
        yield {}

    monkeypatch.setattr(target, "SECONDS", 0.05)
    monkeypatch.setattr(target.preview_client, "request", never)
    assert "took too long" in gate(version, ana, INPUTS).sentence


# --- between the wish and the yes ---------------------------------------------------------------------------------------------


def _approve(promotion: Promotion, pat: User) -> str:
    try:
        approve_promotion(actor=pat, promotion=promotion)
    except PortalError as refusal:
        assert not LiveVersion.objects.filter(environment=promotion.to_environment).exists()
        return refusal.message
    return "live"


def test_other_rows_are_no_other_target(asked: Promotion, pat: User, test_env: Environment) -> None:
    put(test_env, text=FLIGHTS + "LGA,9\n")
    assert _approve(asked, pat) == "live"


def test_an_input_that_has_gone_meanwhile_stops_the_yes(asked: Promotion, pat: User, test_env: Environment) -> None:
    assert review_of(pat, asked).why_not == ""
    (lake_of(test_env) / "raw/flights.csv").unlink()
    assert "nothing at “raw/flights.csv”" in review_of(pat, asked).why_not, "the page that is opened again says so, too"
    assert "nothing at “raw/flights.csv”" in _approve(asked, pat)


def test_columns_that_are_others_meanwhile_stop_the_yes(asked: Promotion, pat: User, test_env: Environment) -> None:
    put(test_env, text="origin,fare\nJFK,1\n")
    assert "differs" in _approve(asked, pat)


def test_parameters_that_lead_elsewhere_meanwhile_stop_the_yes(
    flights: Any, ana: User, pat: User, dev: Environment, test_env: Environment
) -> None:
    put(dev), put(test_env), put(test_env, "raw/other.csv")
    document = document_with(inputURI="raw/${part}.csv") | {"parameters": {"part": {"type": "string", "default": "flights"}}}
    asked = request_promotion(actor=ana, version=version_of(make_job(flights, ana), dev, document))
    test_env.parameters = {"part": "other"}
    test_env.save()
    assert "Test as when it was asked for: “raw/" in _approve(asked, pat)


def test_parameters_that_change_while_it_is_looked_at_are_noticed(
    asked: Promotion, pat: User, test_env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.promotions import actions

    def look(*args: Any, **named: Any) -> Any:
        Environment.objects.filter(pk=test_env.pk).update(parameters={"part": "other"})
        return target.look_at(*args, **named)

    monkeypatch.setattr(actions, "target_look", look)
    with pytest.raises(Conflict, match="have changed meanwhile"):
        approve_promotion(actor=pat, promotion=asked)


def test_a_yes_looks_anew_and_a_page_only_when_something_changed(
    asked: Promotion, pat: User, test_env: Environment, looks: list[dict[str, Any]]
) -> None:
    before = len(looks)
    review_of(pat, asked), review_of(pat, asked)
    lake_of(test_env).chmod(lake_of(test_env).stat().st_mode)  # as every start of a program there does
    review_of(pat, asked)
    assert len(looks) == before
    put(test_env, text=FLIGHTS + "LGA,9\n")
    review_of(pat, asked)
    assert len(looks) == before + 1
    assert _approve(asked, pat) == "live" and len(looks) == before + 2


def test_who_may_not_decide_has_nothing_looked_at(asked: Promotion, ana: User, vic: User, looks: list[dict[str, Any]]) -> None:
    before = len(looks)
    for who in (ana, vic):
        with pytest.raises(PortalError):
            approve_promotion(actor=who, promotion=asked)
        with pytest.raises(PortalError):
            decline_promotion(actor=who, promotion=asked, note="no")
    assert len(looks) == before


def test_a_promotion_of_before_says_that_it_was_not_compared(asked: Promotion, pat: User) -> None:
    Promotion.objects.update(target={})
    asked.refresh_from_db()
    found = next(one for one in review_of(pat, asked).gates if one.name.startswith("Test as when"))
    assert found.verdict == "unseen" and _approve(asked, pat) == "live"


# --- who sees what --------------------------------------------------------------------------------------------------------------


def test_names_out_of_files_are_for_people_who_may_see_data(version: JobVersion, ana: User, vic: User, test_env: Environment) -> None:
    put(test_env, text="origin,canary_name\nJFK,1\n")
    dev = version.job.project.environments.get(name="dev")
    hers, his = (review_before(who, version, dev, test_env)[1] for who in (ana, vic))
    assert "canary_name" in str(hers.checks)
    assert "canary_name" not in str(his.checks) + str(his.effects)
    assert any("can be read by people who may see data" in finding for check in his.checks for finding in check["findings"])


def test_what_was_true_at_the_decision_is_kept(asked: Promotion, pat: User, test_env: Environment) -> None:
    approve_promotion(actor=pat, promotion=asked)
    (lake_of(test_env) / "raw/flights.csv").unlink()
    asked.refresh_from_db()
    review = review_of(pat, asked)
    assert {one.verdict for one in review.gates} == {"ok"} and len(review.gates) >= 11
    assert review.effects.run is not None and review.effects.reads[0].there == 1
    assert [(one.rows_before, one.can_be_taken_over) for one in review.effects.writes] == [(None, False)]


# --- effects ------------------------------------------------------------------------------------------------------------------


def test_effects_show_rows_schema_and_who_else(version: JobVersion, ana: User, test_env: Environment) -> None:
    reader = document_with(inputURI="curated/by_origin", type="ParquetExtract", load={"outputURI": "curated/report"})
    del reader["stages"][0]["header"]
    make_version(make_job(version.job.project, ana, "report"), document=reader, live_in=("test",))
    _own_output(version, test_env, {"origin": ["JFK"], "flights": ["1"], "old": [1]})
    effects = review_before(ana, version, version.job.project.environments.get(name="dev"), test_env)[1].effects
    (read,), (written,) = effects.reads, effects.writes
    assert (read.uri, read.rows, read.there, read.others) == ("raw/flights.csv", 2, 1, [])
    assert [(row["name"], row["change"]) for row in written.columns] == [("origin", "same"), ("flights", "type"), ("old", "gone")]
    assert [other["job"] for other in written.others] == ["report"] and written.rows == 2 and written.holds


def test_nothing_there_yet_is_said(version: JobVersion, ana: User, test_env: Environment) -> None:
    dev = version.job.project.environments.get(name="dev")
    (written,) = review_before(ana, version, dev, test_env)[1].effects.writes
    assert not written.holds and [row["change"] for row in written.columns] == ["new", "new"]
    assert [name for name, _ in WROTE["columns"]] == [row["name"] for row in written.columns]  # type: ignore[attr-defined]


def test_that_it_reads_and_writes_nothing_is_not_said_as_not_looked_at(
    flights: Any, ana: User, pat: User, dev: Environment, test_env: Environment, browser_of: Any
) -> None:
    document = {"stages": [{"type": "SQLTransform", "name": "one", "sql": "SELECT 1 AS a", "outputView": "o"}]}
    document["stages"].append({"type": "ConsoleLoad", "name": "show", "inputView": "o"})
    version = make_version(make_job(flights, ana, "one"), document=document, live_in=("dev",))
    make_run(version, dev, "succeeded")
    promotion = request_promotion(actor=ana, version=version)
    address = f"/p/flights/promotions/{promotion.pk}/"
    page = browser_of(pat).get(address).content.decode()
    assert "It reads no files and publishes nothing." in page and "was not looked at" not in page
    assert _approve(promotion, pat) == "live"
    assert "It reads no files and publishes nothing." in browser_of(pat).get(address).content.decode()
    Promotion.objects.update(target={})
    assert "test was not looked at" in browser_of(pat).get(address).content.decode()


@pytest.mark.parametrize("name", ["50%.csv", "o'neil & co.csv", "größe.csv", "a b.csv"])
def test_names_of_any_kind(flights: Any, ana: User, dev: Environment, test_env: Environment, name: str) -> None:
    put(dev, f"raw/{name}"), put(test_env, f"raw/{name}")
    version = version_of(make_job(flights, ana), dev, document_with(inputURI=f"raw/{name}"))
    assert gate(version, ana, INPUTS).verdict == gate(version, ana, COLUMNS).verdict == "ok"


def test_a_folder_600_deep_is_red_and_not_an_error(flights: Any, ana: User, dev: Environment, test_env: Environment) -> None:
    put(dev, "raw/deep/a.csv"), put(test_env, "raw/deep/a.csv")
    version = version_of(make_job(flights, ana), dev, document_with(inputURI="raw/deep"))
    folder = os.open(lake_of(test_env) / "raw" / "deep", os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    assert gate(version, ana, INPUTS).verdict == "stop"


def test_a_link_in_the_folder_is_red(flights: Any, ana: User, dev: Environment, test_env: Environment, tmp_path: Path) -> None:
    put(dev, "raw/days/a.csv")
    secret = tmp_path / "secret.csv"
    secret.write_text("canary,x\n1,2\n")
    (lake_of(test_env) / "raw/days").mkdir(parents=True)
    (lake_of(test_env) / "raw/days/a.csv").symlink_to(secret)
    version = version_of(make_job(flights, ana), dev, document_with(inputURI="raw/days"))
    found = gate(version, ana, INPUTS)
    assert found.verdict == "stop" and "canary" not in str(found)
