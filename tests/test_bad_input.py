"""Everything that may be wrong with what people bring and where it lies, the doors at which it shows, and the tests that hold what is said.

A test that is gone, or no longer tries the case, fails here: so no line of the table is a promise alone."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRIALS, DATABASES_TRIED = "executor/trials/test_trials", "executor/trials/test_real_databases"
S3, S3_RUNS, S3_TABLES = "executor/stores/test_s3_refusals", "executor/test_runs_on_s3", "executor/stores/test_s3_tables"
JDBC, LOG, DELTA = "executor/databases/test_jdbc", "executor/test_delta_log", "executor/delta/test_others_tables"
MERGING, INPUTS, UPLOAD, UPLOAD_API = "executor/delta/test_merging", "executor/test_inputs", "data/test_upload", "data/test_upload_api"
LOOK, KINDS, OTHERS, SHEETS = (f"executor/look/test_{name}" for name in ("look_delimited", "look_kinds", "look_others", "sheet_layout"))
PARQUET, PLACES, NAMES = "executor/stages/test_parquet_types", "executor/test_addresses", "data/test_names"
PROGRAMS = "looks/test_file_programs"
REFUSED, AT_EVERY_DOOR = f"{S3}::test_a_refusal_says_where_what_and_what_to_do", f"{S3_RUNS}::test_what_s3_refuses_is_told_at_every_door"
TRIED, CONNECTION = f"{TRIALS}::test_what_s3_refuses_is_told_at_its_step", f"{JDBC}::test_what_is_wrong_with_a_connection_is_told"
SWELLS = f"{PROGRAMS}::test_a_workbook_that_is_made_to_swell_ends_with_a_plain_sentence"

TABLE: dict[str, dict[str, list[str]]] = {
    "wrong key": {
        "test of a connection": [f"{TRIED}#InvalidAccessKeyId", f"{TRIED}#SignatureDoesNotMatch"],
        "run, preview, look, list, put back, survey": [f"{AT_EVERY_DOOR}#SignatureDoesNotMatch", f"{REFUSED}#InvalidAccessKeyId"],
        "databases": [f"{CONNECTION}#not-the-password", f"{DATABASES_TRIED}::test_a_postgresql_with_something_wrong"],
    },
    "expired token": {"test of a connection": [f"{TRIED}#ExpiredToken"], "run": [f"{REFUSED}#ExpiredToken"]},
    "missing bucket": {
        "test of a connection": [f"{TRIED}#NoSuchBucket"],
        "run": [f"{S3_RUNS}::test_a_key_that_is_wrong_or_a_bucket_that_is_gone_is_said_in_words", f"{REFUSED}#NoSuchBucket"],
    },
    "bucket in another region": {
        "test of a connection": [f"{TRIALS}::test_a_bucket_in_another_region_is_told_with_the_region#AuthorizationHeaderMalformed"],
        "run": [f"{REFUSED}#PermanentRedirect", f"{REFUSED}#AuthorizationHeaderMalformed"],
    },
    "no list right": {
        "test of a connection": [f"{TRIED}#AccessDenied", f"{TRIALS}::test_open_data_that_is_not_open_is_told"],
        "run": [f"{REFUSED}#AccessDenied"],
        "the right to write or remove": [
            f"{TRIALS}::test_where_jobs_write_a_write_is_tried#s3:DeleteObject",
            f"{AT_EVERY_DOOR}#s3:PutObject",
            f"{S3}::test_who_may_not_remove_files_publishes_nothing",
            f"{S3}::test_a_right_that_is_gone_in_the_middle_leaves_the_last_output",
        ],
        "databases": [f"{JDBC}::test_what_is_wrong_with_a_query_or_right_is_told#database-right"],
    },
    "503 slow down": {
        "test of a connection": [f"{TRIED}#SlowDown"],
        "run": [f"{S3}::test_who_is_only_asked_to_slow_down_goes_on#503", f"{REFUSED}#SlowDown"],
        "publish": [f"{S3}::test_what_is_published_stays_so_where_the_journal_cannot_be_removed#503"],
    },
    "host unknown": {
        "test of a connection": ["connecting/test_connection_tests::test_names_and_ports_that_are_not_there_are_told"],
        "run": [f"{S3}::test_a_server_that_nobody_vouches_for_and_a_host_that_is_unknown#no-such-host"],
        "databases": [f"{CONNECTION}#no-such-host.invalid"],
    },
    "TLS certificate wrong": {
        "test of a connection": [f"{TRIALS}::test_a_certificate_is_judged", f"{TRIALS}::test_an_authority_that_nobody_knows_is_told"],
        "run": [f"{S3}::test_a_server_that_nobody_vouches_for_and_a_host_that_is_unknown#trusts"],
        "databases": [f"{CONNECTION}#database-tls", f"{DATABASES_TRIED}::test_a_postgresql_whose_authority_nobody_knows"],
    },
    "database gone in the middle": {
        "run": [f"{JDBC}::test_the_server_goes_away_in_the_middle", f"{JDBC}::test_the_server_is_gone_for_good_in_the_middle#received"],
        "publish": [f"{JDBC}::test_the_server_is_gone_for_good_in_the_middle#sent"],
        "S3, while a file is copied": [f"{S3}::test_a_connection_that_breaks_off_while_a_file_is_copied"],
        "S3, while it is published": [
            f"{S3}::test_an_answer_that_is_lost_is_not_taken_for_somebody_else",
            f"{S3}::test_an_exchange_that_arrived_and_is_never_answered_is_taken_back",
        ],
    },
    "table missing": {
        "databases": [f"{JDBC}::test_what_is_wrong_with_a_query_or_right_is_told#table-missing"],
        "files": [f"{INPUTS}::test_a_missing_file_is_told_with_the_nearest_name"],
        "S3": [f"{S3_RUNS}::test_what_is_missing_or_changed_meanwhile_is_told"],
    },
    "column type that has no Spark type": {
        "databases": [f"{JDBC}::test_what_spark_cannot_hold_stops_the_run_and_is_named#column-type"],
        "files": [f"{PARQUET}::test_a_type_that_spark_has_not_is_told_with_its_column_and_can_be_left_out"],
    },
    "duplicate key in merge source": {
        "Delta": [f"{MERGING}::test_what_a_merge_cannot_be_sure_of_is_refused#merge-key-twice"],
        "databases": [f"{JDBC}::test_the_same_key_twice_or_none_is_refused#merge-key-twice"],
    },
    "schema drift": {
        "Delta": [
            f"{DELTA}::test_other_columns_are_refused_or_taken_as_the_stage_says",
            f"{MERGING}::test_what_a_merge_cannot_be_sure_of_is_refused",
        ],
        "databases": [f"{JDBC}::test_what_a_column_cannot_hold_is_refused_and_never_rounded#column-unknown"],
        "files": [
            "executor/test_noted_columns::test_an_output_of_other_types_than_the_job_wrote_last_is_told",
            "executor/test_noted_columns::test_a_column_that_a_new_file_of_a_folder_lacks_and_a_file_that_is_gone_are_told_once",
            f"{PARQUET}::test_types_that_no_type_holds_are_told_with_both_files",
        ],
    },
    "corrupt Delta log": {
        "run, preview, query, look": [
            f"{LOG}::test_a_damaged_log_is_not_believed",
            f"{LOG}::test_what_comes_behind_a_gap_is_not_read_as_if_it_were_all",
        ],
        "every stage and button": [
            "executor/delta/test_wrong_tables::test_a_table_that_is_damaged_or_newer_is_told_by_all_that_use_it#half"
        ],
    },
    "Delta table written by a newer protocol": {
        "run, preview, query, look": [f"{LOG}::test_a_protocol_that_is_not_known_is_refused#tomorrow"],
        "every stage and button": [
            "executor/delta/test_wrong_tables::test_a_table_that_is_damaged_or_newer_is_told_by_all_that_use_it#tomorrow"
        ],
    },
    "disk full": {
        "while files of S3 are copied": [f"{S3}::test_a_disk_that_is_full_while_files_are_copied"],
        "while a run writes": ["executor/test_spark_errors::test_a_disk_that_fills_while_writing_fails_the_run_and_publishes_nothing"],
        "while it publishes": ["executor/test_publish::test_a_full_disk_is_named"],
        "the storage's own": [f"{REFUSED}#XMinioStorageFull"],
        "upload": [f"{UPLOAD}::test_a_full_disk_is_told_before", f"{UPLOAD}::test_a_disk_that_fills_up_keeps_what_came"],
        "look": [f"{PROGRAMS}::test_a_disk_that_is_full_is_told_as_that_and_not_as_a_broken_file"],
    },
    "upload cut off": {
        "upload": [
            f"{UPLOAD}::test_after_a_break_sending_goes_on_where_it_stopped",
            f"{UPLOAD}::test_a_piece_that_broke_off_under_a_checksum_is_dropped_whole",
            "data/test_bodies::test_a_break_is_told_after_what_came_before_it",
        ],
    },
    "zip bomb": {
        "unpack": [
            f"{OTHERS}::test_what_is_not_unpacked_leaves_nothing#zip-ratio",
            f"{OTHERS}::test_an_entity_bomb_in_a_workbook_is_refused",
        ],
        "behind the wall": [f"{SWELLS}#zip-ratio", f"{PROGRAMS}::test_what_fills_memory_is_ended_and_told"],
    },
    "XLSX with formulas and merged cells": {
        "unpack": [f"{OTHERS}::test_formulas_without_a_stored_value_are_told", f"{SHEETS}::test_merged_cells_among_the_rows_are_told"],
        "page and API": ["looks/test_unpacking::test_merged_cells_and_hidden_rows_of_a_sheet_are_told_on_its_page_and_by_api"],
    },
    "file of another type than its name": {
        "upload": [f"{UPLOAD}::test_what_is_no_table_is_told_and_forgotten", f"{UPLOAD_API}::test_what_is_something_else_says_what_it_is"],
        "look": [f"{KINDS}::test_what_is_no_table_is_called_by_its_name_with_a_way_out"],
        "run": [f"{INPUTS}::test_other_formats_are_named", f"{INPUTS}::test_what_is_not_parquet_is_told"],
        "S3 that is none": [f"{S3}::test_what_is_no_s3_is_no_empty_folder"],
    },
    "0 bytes": {
        "upload": [f"{UPLOAD}::test_an_empty_file_is_refused"],
        "look": [f"{LOOK}::test_what_is_no_table_is_told"],
        "run": [f"{INPUTS}::test_an_empty_file_is_told"],
        "query": ["queries/test_reading::test_what_is_no_table_is_told"],
    },
    "3,000 columns": {
        "look": [
            f"{LOOK}::test_a_table_that_is_too_wide_is_refused_and_not_cut",
            "looks/test_looks::test_a_very_wide_table_is_shown_in_part_and_read_whole",
        ],
        "run": ["executor/test_noted_columns::test_a_table_that_is_too_wide_is_not_noted_as_whole"],
    },
    "names with unicode, quotes, newline, ..": {
        "upload": [
            f"{NAMES}::test_a_name_is_one_that_every_reader_takes#../../etc/passwd",
            f"{NAMES}::test_a_path_out_of_the_lake_is_no_place",
        ],
        "in a zip": [f"{OTHERS}::test_files_of_a_zip_get_safe_names"],
        "S3": ["executor/stores/test_s3::test_names_that_no_file_can_have_are_told_and_never_another_file"],
        "page": ["data/test_pages::test_no_name_and_no_depth_breaks_the_list"],
        "columns of files": [f"{LOOK}::test_names_become_ones_that_sql_takes"],
        "columns of Delta tables": [f"{DELTA}::test_names_of_columns_that_a_table_does_not_take_are_told#unit price"],
    },
    "address outside every root": {
        "check, run": [
            f"{PLACES}::test_no_form_of_an_address_gets_around_its_root",
            f"{PLACES}::test_a_value_from_outside_does_not_choose_the_root",
        ],
        "browse": ["data/test_folders::test_nothing_else_is_listed#archive:../x"],
        "look": [f"{LOOK}::test_only_files_of_the_lake_are_looked_at"],
        "every store": ["executor/stores/test_every_store::test_no_place_leads_out_of_the_root"],
    },
}
"""What is wrong → where it shows → `file::test`, or `file::test#words` where the test or its cases must hold these words."""
ONLY_SLOW = {"duplicate key in merge source"}
"""What needs Spark and a database or a table, and so is tried by `make test-lake` alone."""
CASES = [(wrong, door, test) for wrong, doors in TABLE.items() for door, tests in doors.items() for test in tests]


@cache
def source_of(file: str) -> tuple[str, dict[str, tuple[str, bool]]]:
    """The text of a file of tests, and for each of its tests its own with the marks before it, and whether `make test` leaves it out."""
    text = (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8")
    found, lines = {}, text.splitlines()
    is_slow = any("pytestmark" in line and "mark.lake" in line for line in lines)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
            own = "\n".join(lines[first : node.end_lineno])
            found[node.name] = own, is_slow or "@pytest.mark.lake" in own
    return text, found


@pytest.mark.parametrize(("wrong", "door", "test"), CASES, ids=["-".join(case) for case in CASES])
def test_what_is_said_of_bad_input_is_held_by_a_test(wrong: str, door: str, test: str) -> None:
    named, _, words = test.partition("#")
    file, _, name = named.partition("::")
    text, tests = source_of(file)
    assert name in tests, f"{wrong}, {door}: tests/{file}.py has no {name}"
    assert "assert" in tests[name][0] or "pytest.raises" in tests[name][0], f"{name} asserts nothing"
    assert not words or words in tests[name][0] or any(words in case for case in tables_used(text, tests[name][0])), (
        f"{name} has no case {words}"
    )


def tables_used(text: str, test: str) -> list[str]:
    """The texts of what a file names in capital letters and the test uses: its cases may stand there."""
    tree = ast.parse(text)
    named = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    targets = [(node, node.targets[0] if isinstance(node, ast.Assign) else node.target) for node in named]
    return [ast.get_source_segment(text, node) or "" for node, name in targets if isinstance(name, ast.Name) and name.id in test]


@pytest.mark.parametrize("wrong", [wrong for wrong in TABLE if wrong not in ONLY_SLOW])
def test_each_is_tried_in_make_test_at_one_door_at_least(wrong: str) -> None:
    named = [test.partition("#")[0].split("::") for tests in TABLE[wrong].values() for test in tests]
    assert any(not source_of(file)[1][name][1] for file, name in named)
