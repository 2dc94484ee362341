"""How a query reads what people brought: nothing is guessed, and nothing that does not fit is left out or made empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from executor.look.looking import look
from executor.stores.roots import Roots
from portal.accounts.models import User
from portal.data.listing import find_table
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.queries import reading
from portal.queries.reading import Reading

pytestmark = pytest.mark.django_db(transaction=True)
Read = Callable[..., Reading]


@pytest.fixture
def read(lake: Path, ana: User, dev: Environment, monkeypatch: pytest.MonkeyPatch) -> Read:
    """`read("raw/a.csv", "n\\n1\\n")` brings the file and says how it is read, by a real look without its wall."""

    async def looked(user: User, environment: Environment, uri: str, settings: dict[str, Any]) -> Any:
        return look(Roots(lake), uri, settings, limit_bytes=None, seconds=15, tell=lambda *said: None)

    monkeypatch.setattr(reading.asking, "look", looked)

    def read(uri: str, text: str | None = None, name: str = "t", **more: Any) -> Reading:
        if text is not None:
            (lake / uri).parent.mkdir(parents=True, exist_ok=True)
            (lake / uri).write_text(text)
        table = find_table(dev, uri)
        assert table is not None
        return async_to_sync(reading.reading_of)(ana, dev, table, name, **more)

    return read


def types(found: Reading) -> dict[str, str]:
    return {column["name"]: column["type"] for column in found.columns or []}


def test_what_can_be_read_in_two_ways_stays_text_until_somebody_says(read: Read) -> None:
    found = read("raw/a.csv", 'id,when,amount,price\n1,01/02/2024,"1,234",10.50\n2,03/04/2024,"5,678",11.25\n3,05/06/2024,"2,000",9.99\n')
    assert types(found) == {"id": "integer", "when": "string", "amount": "string", "price": "decimal"}
    assert len(found.questions) == 2 and "day or the month" in found.questions[0] and "comma" in found.questions[1]
    typing = next(stage for stage in found.stages if "schema" in stage)
    assert [column["type"] for column in typing["schema"]] == ["integer", "string", "string", "decimal"], "what is told is what is run"
    assert typing["failMode"] == "failfast" and found.stages[-1]["outputView"] == "t"


def test_as_text_nothing_is_asked_and_nothing_typed(read: Read) -> None:
    found = read("raw/a.csv", "id,when\n1,01/02/2024\n2,03/04/2024\n", is_text=True)
    assert set(types(found).values()) == {"string"} and found.questions == [] and found.words.endswith("every column as text")


def test_rows_of_another_width_stop_the_query(read: Read) -> None:
    """A job made of the look keeps them aside; a query would count them as empty rows."""
    read_stage = read("raw/a.csv", "a,b\n" + "1,2\n" * 20 + "3,4,5\n").stages[0]
    assert "otherWidths" not in read_stage, "the stage stops by itself"


def test_what_a_look_takes_for_granted_is_said(read: Read) -> None:
    found = read("raw/a.csv", "Title\nx\ncarrier,n,extra\nAA,1,q\nBB,2,r\nTotal,3,\n")
    assert any("“Total,3,” is no row" in remark for remark in found.remarks) and found.questions == []


def test_files_of_other_columns_are_not_filled_up(read: Read) -> None:
    for name, text in (("m1", "k,v\n1,10\n"), ("m2", "k,v\n2,20\n")):
        read(f"raw/months/{name}.csv", text)
    read("raw/months/m3.csv", "k,v,w\n3,30,9\n")
    found = read("raw/months")
    assert "otherHeaders" not in found.stages[0] and found.questions == [] and any("other columns" in remark for remark in found.remarks)


def test_its_own_steps_take_no_name_of_another_table(read: Read) -> None:
    found = read("raw/a.csv", "n\n1\n", taken={"t_text", "query"})
    names = {stage[key] for stage in found.stages for key in ("name", "outputView") if key in stage}
    assert "t_text" not in names and found.stages[-1]["outputView"] == "t"


def test_parquet_is_read_as_it_lies_and_has_no_texts(read: Read) -> None:
    found = read("curated/daily_delays")
    assert [stage["type"] for stage in found.stages] == ["ParquetExtract"] and found.is_plain
    with pytest.raises(PortalError, match="as it was written"):
        read("curated/daily_delays", is_text=True)


def test_what_is_no_table_is_told(read: Read) -> None:
    with pytest.raises(PortalError, match="nothing in the file"):
        read("raw/a.csv", "")
