"""The page of a file, its API, and the jobs that come of it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from executor.document.job import check
from executor.look.looking import look
from executor.look.stages import Choices
from executor.stores.roots import Roots
from portal.audit.models import AuditEvent
from portal.data import actions as data
from portal.data.models import FileVersion
from portal.errors import Conflict
from portal.jobs import places
from portal.jobs.models import Job
from portal.looks.new_job import read_alone, stages_for
from tests.factories import as_text, make_job, make_version

pytestmark = pytest.mark.django_db
LOOK = "/p/flights/data/dev/look"
API = "/api/v1/projects/flights/environments/dev/look"
CSV = "day,amount,note\n" + "".join(f"2024-01-{n % 28 + 1:02},{n}.5,x\n" for n in range(1, 40)) + '2024-01-31,"1,50",y\n'


@pytest.fixture
def own(lake: Path) -> Path:
    path = lake / "raw" / "own.csv"
    path.write_text(CSV)
    return path


def piece(browser: Any, **form: Any) -> str:
    answer = browser.post(f"{LOOK}/proposal", {"uri": "raw/own.csv", **form})
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_frame_comes_at_once_and_the_proposal_as_a_piece(ana, dev, browser_of, own, asked):
    browser = browser_of(ana)
    page = browser.get(f"{LOOK}?uri=raw/own.csv").content.decode()
    assert "Looking at the file" in page
    assert asked == []
    shown = piece(browser)
    assert "39 of 40 rows fit · here is the other one" in " ".join(shown.split())
    assert "A comma where the other 39 have a point." in shown
    mended = piece(browser, mends=json.dumps([{"index": 1, "found": "1,50", "value": None}]))
    assert "All 40 rows fit, 1 as you chose" in mended and "39 of 40" not in mended


def test_the_page_of_a_table_has_it_looked_at_once(ana, vic, dev, browser_of, own, asked):
    page, columns = "/p/flights/data/dev/table?uri=raw/own.csv", "/p/flights/data/dev/columns?uri=raw/own.csv"
    assert "They are being looked at" in browser_of(ana).get(page).content.decode()
    assert browser_of(vic).post(columns).status_code == 404 and columns not in browser_of(vic).get(page).content.decode()
    assert asked == []
    for _ in range(2):
        assert "amount" in browser_of(ana).post(columns).content.decode()
    seen = browser_of(ana).get(page).content.decode()
    assert "amount" in seen and "They are being looked at" not in seen
    assert len(asked) == 1
    assert AuditEvent.objects.filter(action="view_data", actor=ana, details__uri="raw/own.csv").exists()
    own.write_bytes(b"%PDF-1.7")
    assert "a PDF" in browser_of(ana).post(columns).content.decode()


def test_what_is_shown_of_a_long_file_says_so_in_each_tab(ana, dev, browser_of, own, asked):
    browser = browser_of(ana)
    shown = " ".join(piece(browser).split())
    assert "The first" not in shown, "all of it is shown"
    assert "types proposed from all 40 rows" in shown
    own.write_text("n,m\n" + "".join(f"{n},{'x' if n % 2 else n}\n" for n in range(3_000)))
    shown = " ".join(piece(browser).split())
    assert "The first 100 of 3,000 rows." in shown
    assert "The first 60 lines of the file." in shown
    own.write_text("n\n" + "".join(f"{n}\n" if n % 20 else "oh\n" for n in range(3_000)))
    shown = " ".join(piece(browser).split())
    assert "2,850 of 3,000 rows fit · here are the first 20 of 150 values that do not" in shown
    mended = piece(browser, mends=json.dumps([{"index": 0, "found": "oh", "value": None}]))
    assert "2,850 of 3,000 rows fit as they are · here are the first 20 of 150" in mended, "how many of the others are “oh” is not known"
    own.write_text("a\n" + "y" * 2_001 + "\n")
    shown = " ".join(piece(browser).split())
    assert "The first 2 lines of the file. A line is shown up to 2,000 signs." in shown
    assert "y" * 60 + "…" in shown


def test_of_a_folder_it_says_how_many_rows_of_how_many_files_were_judged(ana, dev, browser_of, lake, asked):
    (lake / "raw" / "months").mkdir()
    for month in (1, 2, 3):
        (lake / "raw" / "months" / f"{month}.csv").write_text("n,m\n" + "1,2\n" * 10 * month)
    shown = " ".join(piece(browser_of(ana), uri="raw/months").split())
    assert "types proposed from 60 rows of 3 files" in shown and "All 60 rows that were looked at fit" in shown


def test_of_a_wide_table_it_says_which_part_is_shown(ana, dev, browser_of, own, asked):
    own.write_text(",".join(f"c{n}" for n in range(400)) + "\n" + (",".join(["1"] * 400) + "\n") * 50)
    shown = " ".join(piece(browser_of(ana)).split())
    assert "The first 33 of 50 rows, and the first 300 of 400 columns." in shown


def test_a_change_looks_again_and_keeps_all_other_choices(ana, dev, browser_of, own, asked):
    browser = browser_of(ana)
    mends = json.dumps([{"index": 1, "found": "1,50", "value": "1.50"}])
    shown = piece(browser, change="columns.2.type", value="boolean", settings='{"header": true}', mends=mends, misfits="null", name="mine")
    assert asked[-1]["values"]["settings"] == {"header": True, "columns": {"2": {"type": "boolean"}}}
    assert 'value="mine"' in shown
    assert '"found": "1,50"' in shown
    assert 'value="null" checked' in shown
    piece(browser, settings='{"header": true, "columns": {"2": {"type": "boolean"}}}')
    assert len(asked) == 1, "a look with the same settings at the same file is remembered"
    own.write_text(CSV + "2024-02-01,1.5,z\n")
    piece(browser, settings='{"header": true, "columns": {"2": {"type": "boolean"}}}')
    assert len(asked) == 2, "a changed file is looked at again"


def test_what_cannot_be_looked_at_is_told(ana, dev, browser_of, lake):
    for uri, words in (("raw/none.csv", "There is nothing at"), ("../other/x.csv", "is no file to look at")):
        answer = browser_of(ana).post(f"{LOOK}/proposal", {"uri": uri})
        assert answer.status_code == 422
        assert words in html.unescape(answer.content.decode())
    for uri in (".sluice-staging/x", "raw/.hidden.csv"):
        assert browser_of(ana).get(f"{LOOK}?uri={uri}").status_code == 422


@pytest.mark.parametrize("given", ['{"separator": "too long"}', '{"encoding": "utf-7"}', '{"columns": {"0": {"name": "a b"}}}'])
def test_settings_that_are_none_are_told(ana, dev, browser_of, own, given):
    assert browser_of(ana).post(f"{LOOK}/proposal", {"uri": "raw/own.csv", "settings": given}).status_code == 422


def test_only_people_who_may_see_data_look(vic, outsider, olu, test_env, browser_of, own, asked):
    for person in (vic, outsider):
        assert browser_of(person).get(f"{LOOK}?uri=raw/own.csv").status_code == 404
        assert browser_of(person).post(f"{LOOK}/proposal", {"uri": "raw/own.csv"}).status_code == 404
    assert asked == []
    assert browser_of(olu).get(f"{LOOK}?uri=raw/own.csv").status_code == 200
    assert browser_of(olu).post(f"{LOOK}/create", {"uri": "raw/own.csv", "name": "x"}).status_code == 404


def test_a_look_is_noted_once_an_hour(ana, dev, browser_of, own):
    for _ in range(3):
        browser_of(ana).get(f"{LOOK}?uri=raw/own.csv")
    assert AuditEvent.objects.filter(action="view_data", actor=ana).count() == 1


def create(browser: Any, name: str = "own", **form: Any) -> dict[str, Any]:
    answer = browser.post(f"{LOOK}/create", {"uri": "raw/own.csv", "name": name, **form})
    assert answer.status_code == 201, answer.content
    assert answer.json()["url"] == f"/p/flights/jobs/{name}/edit?stage=last"
    document = json.loads(Job.objects.get(name=name).drafts.get().document)
    assert check(document) == []
    return dict(document)


def test_a_job_is_made_with_rows_that_do_not_fit_kept_aside(ana, dev, browser_of, own):
    stages = create(browser_of(ana))["stages"]
    assert [(stage["type"], stage["name"]) for stage in stages] == [
        ("DelimitedExtract", "read_own"), ("TypingTransform", "type_own"), ("SQLTransform", "rows_own"), ("SQLTransform", "aside_own"),
        ("SQLValidate", "check_own"), ("ParquetLoad", "save_own"), ("ParquetLoad", "save_own_errors"),
    ]  # fmt: skip


def test_a_mended_value_is_read_as_said(ana, dev, browser_of, own):
    mends = json.dumps([{"index": 1, "found": "1,50", "value": "1.50"}, {"index": 2, "found": "${x} o'", "value": None}])
    stages = create(browser_of(ana), mends=mends, misfits="stop")["stages"]
    prepare = next(stage for stage in stages if stage["name"] == "prepare_own")
    assert "CASE WHEN `amount` = '1,50' THEN '1.50' ELSE `amount` END AS `amount`" in prepare["sql"]
    assert "${" not in prepare["sql"]
    assert next(stage for stage in stages if stage["type"] == "TypingTransform")["failMode"] == "failfast"


@pytest.mark.parametrize(("start", "types"), [
    ("typed_parquet", ["DelimitedExtract", "TypingTransform", "SQLTransform", "SQLValidate", "ParquetLoad"]),
    ("daily_aggregate", [
        "DelimitedExtract", "TypingTransform", "SQLTransform", "SQLValidate", "SQLTransform", "SQLValidate", "ParquetLoad",
    ]),
    ("quality_gate", ["DelimitedExtract", "TypingTransform", "SQLTransform", "SQLValidate", "SQLValidate", "SQLValidate"]),
])  # fmt: skip
def test_every_guided_start_is_a_job_without_problems(ana, dev, browser_of, own, start, types):
    document = create(browser_of(ana), start=start, misfits="null", description="Words", tags="a b")
    assert [stage["type"] for stage in document["stages"]] == types
    job = Job.objects.get(name="own")
    assert (job.description, job.tags) == ("Words", ["a", "b"])


def test_stages_for_another_job_have_names_that_are_free_there(ana, dev, browser_of, own):
    taken = {"stages": [{"type": "DelimitedExtract", "name": "own", "inputURI": "raw/own.csv", "outputView": "own_text"}]}
    make_job(dev.project, ana, "other").drafts.create(user=ana, document=as_text(taken))
    answer = browser_of(ana).post(f"{LOOK}/stages", {"uri": "raw/own.csv", "job": "other", "misfits": "null"})
    stages = answer.json()["stages"]
    assert [stage["outputView"] for stage in stages] == ["own_2_text", "own_2"]
    assert check({"stages": [*taken["stages"], *stages]}) == []
    assert browser_of(ana).post(f"{LOOK}/stages", {"uri": "raw/own.csv", "job": "none"}).status_code == 404


def test_the_stage_that_reads_alone_holds_the_names_of_the_file(ana, dev, browser_of, own):
    make_job(dev.project, ana, "other")
    own.write_text("day;amount\n2024-01-01;1\n")
    answer = browser_of(ana).post(f"{LOOK}/stages", {"uri": "raw/own.csv", "job": "other", "part": "read"})
    (read,) = answer.json()["stages"]
    assert (read["customDelimiter"], read["names"]) == (";", ["day", "amount"])


@pytest.mark.parametrize(
    ("text", "title", "answer"),
    [
        ("day,n\n01/02/2024,1\n03/04/2024,2\n", "Is the day or the month first?", {"dayFirst": False}),
        ("id;n\na;1.234\nb;5.678\n", "What does the point mean?", {"decimal": ","}),
        ("id;n;lat\na;1.234,50;48.137\n", "What does the point mean in lat?", {"columns": {"2": {"decimal": "."}}}),
    ],
)
def test_what_can_be_read_in_two_ways_makes_no_job_before_somebody_has_said_which(
    ana, dev, browser_of, program_of, own, text, title, answer
):
    own.write_text(text)
    make_job(dev.project, ana, "other")
    browser, program = browser_of(ana), program_of(ana, "read", "write")
    question = piece(browser).partition(title)[2].partition("</section>")[0]
    assert (question.count("required"), question.count("checked")) == (2, 0)
    form = {"uri": "raw/own.csv", "name": "own", "job": "other"}
    asked = {"uri": "raw/own.csv", "name": "own"}
    for refused in (
        browser.post(f"{LOOK}/create", form, headers={"Accept": "application/json"}),
        browser.post(f"{LOOK}/stages", form, headers={"Accept": "application/json"}),
        program.post(f"{API}/job", asked, format="json"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "look-unanswered")
        assert title in refused.json()["detail"] and json.dumps(answer)[1:-1] in refused.json()["fix"]
    assert not Job.objects.filter(name="own").exists()
    assert browser.post(f"{LOOK}/stages", form | {"part": "read"}).status_code == 200, "what is read as text needs no answer"
    assert "required" not in piece(browser, settings=json.dumps(answer)).partition(title)[2].partition("</section>")[0]
    assert program.post(f"{API}/job", asked | {"settings": answer}, format="json").status_code == 201


def test_a_stage_that_reads_alone_stops_at_files_that_lack_columns_until_somebody_has_said(tmp_path):
    for name, text in (("a", "k,v\n1,2\n"), ("b", "k\n3\n")):
        (tmp_path / f"{name}.csv").write_text(text)
    for settings, wanted in (({}, None), ({"otherHeaders": "fill"}, "fill"), ({"otherHeaders": "stop"}, None)):
        found = look(Roots(tmp_path.parent), tmp_path.name, settings, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)
        stage = stages_for(found, "d", Choices(name="d"))[0]
        assert read_alone(found, stage).get("otherHeaders") == wanted


def outputs_of(document: dict[str, Any]) -> list[str]:
    return [stage["outputURI"] for stage in document["stages"] if "outputURI" in stage]


def words_of(shown: str) -> str:
    return " ".join(re.sub("<[^>]*>", "", shown).split())


def test_the_second_job_of_a_file_keeps_its_rows_elsewhere_and_the_page_says_so(ana, dev, test_env, browser_of, program_of, own):
    browser = browser_of(ana)
    assert "look-kept" not in piece(browser)
    places.claim(make_job(dev.project, ana, "load_own"), test_env, ["curated/own"])
    shown = piece(browser)
    assert "“curated/own” is a place which the job “load_own” publishes." in words_of(shown)
    assert "keeps its rows in curated/own_2, curated/own_2_errors." in words_of(shown)
    assert 'value="load_own_2"' in shown, "a name that is free, too"
    assert outputs_of(create(browser)) == ["curated/own_2", "curated/own_2_errors"]
    made = program_of(ana, "read", "write").post(f"{API}/job", {"uri": "raw/own.csv", "name": "third", "misfits": "stop"}, format="json")
    assert outputs_of(json.loads(made.json()["document"])) == ["curated/own_3"], "a draft has its places too, before its first run"


@pytest.mark.parametrize(("start", "kept"), [("daily_aggregate", ["curated/own_2_by_day"]), ("quality_gate", []), ("", ["curated/own"])])
def test_a_guided_start_keeps_its_rows_where_nobody_else_does(ana, dev, browser_of, own, start, kept):
    places.claim(make_job(dev.project, ana, "days"), dev, ["curated/OWN_by_day"])
    assert outputs_of(create(browser_of(ana), start=start, misfits="null")) == kept


def test_rows_are_kept_where_nothing_lies_yet(ana, dev, browser_of, own, lake):
    (lake / "curated" / "own").mkdir(parents=True)
    assert "There is something at “curated/own” already." in piece(browser_of(ana), misfits="null")
    assert outputs_of(create(browser_of(ana), misfits="null")) == ["curated/own_2"]


def test_a_taken_or_wrong_name_is_refused_in_words(ana, dev, browser_of, own):
    create(browser_of(ana))
    for name, status in (("own", 409), ("Not A Name", 422)):
        answer = browser_of(ana).post(f"{LOOK}/create", {"uri": "raw/own.csv", "name": name}, headers={"Accept": "application/json"})
        assert answer.status_code == status
        assert answer.json()["detail"]


def test_the_same_by_api(ana, vic, dev, program_of, own):
    program = program_of(ana, "read", "write")
    proposal = program.post(API, {"uri": "raw/own.csv", "settings": {"timeZone": "Europe/Berlin"}}, format="json").json()
    assert (proposal["rows"], proposal["rows_fit"], proposal["misfits"][0]["line"]) == (40, 39, 41)
    asked = {"uri": "raw/own.csv", "name": "by_api", "mends": [{"index": 1, "found": "1,50", "value": "1.50"}], "misfits": "stop"}
    made = program.post(f"{API}/job", asked, format="json")
    assert made.status_code == 201
    assert check(json.loads(made.json()["document"])) == []
    assert program_of(vic, "read", "write").post(API, {"uri": "raw/own.csv"}, format="json").status_code == 404
    assert program_of(ana, "read").post(f"{API}/job", asked, format="json").status_code == 403
    assert program.post(API, {"uri": "raw/own.csv", "settings": {"separator": "xx"}}, format="json").status_code == 422


def test_the_page_says_which_jobs_read_the_file_already(ana, dev, browser_of, own):
    assert "notice" not in browser_of(ana).get(f"{LOOK}?uri=raw/own.csv").content.decode()
    document = {"stages": [{"type": "DelimitedExtract", "inputURI": "raw/own.csv"}]}
    make_version(make_job(dev.project, ana, "load_own"), ana, document, live_in=("dev",))
    page = browser_of(ana).get(f"{LOOK}?uri=raw/own.csv").content.decode()
    assert "/p/flights/jobs/load_own" in page
    assert "reads it. The next run reads what lies here now" in " ".join(re.sub("<[^>]*>", "", page).split())


def columns_of_input(browser: Any, stages: list[dict[str, Any]], to: int) -> Any:
    content = {"document": {"stages": stages}, "to": to}
    return browser.post("/p/flights/jobs/own/input-columns", json.dumps(content), content_type="application/json")


READ = {"type": "DelimitedExtract", "name": "r", "inputURI": "raw/own.csv", "header": True, "outputView": "t"}
TYPE = {"type": "TypingTransform", "name": "y", "inputView": "t", "outputView": "u", "schema": []}


def test_a_typing_stage_takes_the_columns_of_the_file_that_its_input_reads(ana, pat, dev, browser_of, own):
    make_job(dev.project, ana, "own")
    answer = columns_of_input(browser_of(ana), [READ, TYPE], 1).json()
    assert answer["words"] == "from all 40 rows of raw/own.csv"
    assert [(column["name"], column["type"]) for column in answer["schema"]] == [("day", "date"), ("amount", "decimal"), ("note", "string")]
    assert check({"stages": [READ, TYPE | {"schema": answer["schema"]}]}) == []
    without = columns_of_input(browser_of(ana), [READ | {"header": False, "skipLines": 1}, TYPE], 1).json()
    assert [column["name"] for column in without["schema"]] == ["column_1", "column_2", "column_3"]
    assert columns_of_input(browser_of(ana), [TYPE], 0).status_code == 422
    assert columns_of_input(browser_of(pat), [READ, TYPE], 1).status_code == 404


def test_of_a_query_it_takes_the_columns_of_the_first_rows(ana, dev, browser_of, own, monkeypatch):
    make_job(dev.project, ana, "own")
    query = {"type": "SQLTransform", "name": "q", "sql": "SELECT * FROM t", "outputView": "q"}
    seen: list[dict[str, Any]] = []

    async def request(message: dict[str, Any]) -> Any:
        seen.append(message)
        columns = [{"name": "n", "type": "string"}, {"name": "k", "type": "bigint"}]
        yield {"event": "rows", "view": "q", "columns": columns, "rows": [["1", 2]], "complete": True, "last": True}

    monkeypatch.setattr("portal.looks.inputs.preview_client.request", request)
    answer = columns_of_input(browser_of(ana), [READ, query, TYPE | {"inputView": "q"}], 2).json()
    assert [(column["name"], column["type"]) for column in answer["schema"]] == [("n", "integer"), ("k", "long")]
    assert (seen[0]["message"]["to"], seen[0]["message"]["request"]) == (1, "preview")


def test_what_was_said_before_there_was_a_file_is_kept(ana, dev, browser_of, own):
    """A guided start asks for a name, words and tags first: the page of the file brings them along, and the job has them."""
    browser = browser_of(ana)
    asked = {"name": "by_day", "description": "Words", "tags": "a b", "start": "daily_aggregate", "file": "raw/own.csv"}
    answer = browser.post("/p/flights/jobs/new-job", asked)
    assert answer.status_code == 302, answer.content.decode()
    page = html.unescape(browser.get(answer["Location"]).content.decode())
    given = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    assert {name: given[name] for name in ("uri", "name", "description", "tags", "start")} == {
        "uri": "raw/own.csv", "name": "by_day", "description": "Words", "tags": "a b", "start": "daily_aggregate",
    }  # fmt: skip
    shown = piece(browser, **{name: value for name, value in given.items() if name in ("name", "description", "tags", "start")})
    assert "by_day" in shown
    document = create(browser, **{name: given[name] for name in ("name", "description", "tags", "start")})
    assert any(stage["name"] == "own_by_day" for stage in document["stages"])


def test_a_file_dropped_on_a_job_goes_on_to_that_job(ana, dev, browser_of, own):
    make_job(dev.project, ana, "mine")
    browser = browser_of(ana)
    answer = browser.get("/p/flights/data/dev/arrived?uri=raw/own.csv&job=mine")
    assert 'name="job" value="mine"' in browser.get(answer["Location"]).content.decode()
    assert 'data-add="mine"' in piece(browser, job="mine")
    for other in ("", "none", '"><script>'):
        assert "Add to a job" in piece(browser, job=other)


async def read(answer: Any) -> bytes:
    return b"".join([part async for part in answer.streaming_content])


def asked_for(monkeypatch: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    async def request(message: dict[str, Any]) -> Any:
        seen.append(message["message"])
        event = {"event": "rows", "stage": "type_own", "view": "own", "columns": [], "rows": [], "complete": True}
        yield event | {"input": "full", "duration_ms": 1, "last": True}

    monkeypatch.setattr("portal.runs.draft_api.preview_client.request", request)
    monkeypatch.setattr("portal.runs.preview_views.preview_client.request", request)
    return seen


def test_the_preview_shows_the_rows_as_they_would_be_typed(ana, vic, dev, browser_of, own, monkeypatch):
    browser = browser_of(ana)
    piece(browser)
    seen = asked_for(monkeypatch)
    own_stages = [("DelimitedExtract", "own_text"), ("TypingTransform", "own")]
    for only, stages in (("all", own_stages), ("misfits", [*own_stages, ("SQLTransform", "own_misfits")])):
        content = json.dumps({"uri": "raw/own.csv", "settings": "{}", "misfits": "stop", "only": only})
        answer = browser.post(f"{LOOK}/preview", content, content_type="application/json")
        assert b'"event":"rows"' in async_to_sync(read)(answer)
        document = seen[-1]["document"]
        assert [(stage["type"], stage["outputView"]) for stage in document["stages"]] == stages
        assert (seen[-1]["to"], seen[-1]["input"]) == (len(stages) - 1, "full")
        assert check(document) == []
        assert "failMode" not in document["stages"][1], "a value that does not fit is shown, and stops nothing"
    assert browser_of(vic).post(f"{LOOK}/preview", "{}", content_type="application/json").status_code == 404


def test_the_preview_by_api(ana, vic, dev, program_of, browser_of, own, monkeypatch):
    piece(browser_of(ana))
    seen = asked_for(monkeypatch)
    mends = [{"index": 1, "found": "1,50", "value": "1.50"}]
    answer = program_of(ana, "read").post(
        f"{API}/preview", {"uri": "raw/own.csv", "mends": mends, "only": "misfits", "rows": 5}, format="json"
    )
    assert (answer.status_code, seen[-1]["rows"]) == (200, 5)
    assert [stage["outputView"] for stage in seen[-1]["document"]["stages"]] == ["own_text", "own_ready", "own", "own_misfits"]
    assert program_of(vic, "read").post(f"{API}/preview", {"uri": "raw/own.csv"}, format="json").status_code == 404
    assert program_of(ana, "read").post(f"{API}/preview", {"uri": "raw/own.csv", "rows": 0}, format="json").status_code == 422


def test_discarding_brings_back_what_was_there(ana, olu, dev, browser_of, lake):
    def bring(text: bytes, if_there: str = "ask") -> None:
        upload = data.begin_upload(actor=ana, environment=dev, name="d.csv", size=len(text), if_there=if_there)
        data.receive_piece(actor=ana, upload=upload, offset=0, parts=[text], length=len(text))
        data.finish_upload(actor=ana, upload=upload)

    file = lake / "raw" / "d.csv"
    bring(b"a\n1\n")
    bring(b"a\n2\n", "new_version")
    assert "discard-file" in browser_of(ana).get(f"{LOOK}?uri=raw/d.csv").content.decode()
    assert "discard-file" not in browser_of(olu).get(f"{LOOK}?uri=raw/d.csv").content.decode()
    assert browser_of(ana).post("/p/flights/data/dev/discard", {"uri": "raw/d.csv"}).status_code == 302
    assert file.read_bytes() == b"a\n1\n"
    browser_of(ana).post("/p/flights/data/dev/discard", {"uri": "raw/d.csv"})
    assert not file.exists()
    in_bin = FileVersion.objects.filter(environment=dev, uri="raw/d.csv", state="binned")
    assert sorted(in_bin.values_list("number", flat=True)) == [1, 2]
    data.put_back(actor=ana, version=in_bin.get(number=2))
    assert file.read_bytes() == b"a\n2\n"


def test_only_who_brought_a_file_discards_it(ana, pat, dev, browser_of, program_of, own):
    by_api = "/api/v1/projects/flights/environments/dev/files/discard"
    refused = program_of(ana, "read", "write").post(by_api, {"uri": "raw/own.csv"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "not-yours")
    assert program_of(pat, "read", "write").post(by_api, {"uri": "raw/own.csv"}, format="json").status_code in (403, 404)
    with pytest.raises(Conflict, match="You have not brought"):
        data.discard_upload(actor=ana, environment=dev, uri="raw/own.csv")
    assert own.exists()
    assert browser_of(pat).post("/p/flights/data/dev/discard", {"uri": "raw/own.csv"}).status_code == 404


def test_a_very_wide_table_is_shown_in_part_and_read_whole(ana, dev, browser_of, lake):
    names = [f"c{number}" for number in range(2000)]
    rows = [",".join(str(number + row) for number in range(2000)) for row in range(12)]
    rows[-1] = rows[-1].rsplit(",", 1)[0] + ",odd"
    (lake / "raw" / "own.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    shown = piece(browser_of(ana))
    assert shown.count('data-setting="columns.') == 2 * 300
    assert 'data-setting="columns.1999.type"' in shown  # it has a value that does not fit
    assert "1,700 more columns" in " ".join(shown.split())
    answer = browser_of(ana).post(f"{LOOK}/create", {"uri": "raw/own.csv", "name": "wide"})
    typing = json.loads(Job.objects.get(pk=Job.objects.get(name="wide").pk).drafts.get().document)["stages"][1]
    assert (answer.status_code, len(typing["schema"])) == (201, 2000)
