"""What the plan of a query says is hardly meant, in words."""

from __future__ import annotations

from executor.problems import Problem


def under_other_names(crossed: list[tuple[str, str]], field: str) -> Problem:
    told = ", ".join(f"“{name}” comes under “{under}”" for name, under in crossed[:5])
    told += f", and {len(crossed) - 5:,} more" if len(crossed) > 5 else ""
    return Problem(
        code="columns-by-place",
        field=field,
        message=f"UNION, EXCEPT and INTERSECT go by the places of columns, not by their names: {told}.",
        found=told,
        fix="Write the columns of each SELECT in the same order. If it is meant so, say it: give the column its new name with AS.",
    )


def no_row_as_another(words: list[str], field: str) -> Problem:
    listed = " and ".join(words)
    return Problem(
        code="rows-numbered",
        field=field,
        message=f"Each row comes with the number that its reading gave it (“_index”), so that {listed} "
        f"{'finds' if len(words) == 1 else 'find'} no two rows that are the same.",
        found=listed,
        fix="Name the columns that are to be compared instead of *, or write * EXCEPT (_filename, _index).",
    )


def each_with_each(pairs: list[tuple[str, str]], field: str) -> Problem:
    listed = ", ".join(f"“{one}” and “{other}”" for one, other in pairs if one and other) or "Two parts of FROM"
    return Problem(
        code="rows-each-with-each",
        field=field,
        message=f"{listed} stand in FROM with no condition between them: each row of one comes with each row of the other.",
        found=listed,
        fix="Say in ON or WHERE which rows belong together. If all pairs are meant, write CROSS JOIN.",
    )
