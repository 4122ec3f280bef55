# SPDX-License-Identifier: MIT
"""The table of docs/coverage.md that explains blocks one by one speaks of code that is there."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "testing"))
import explain  # noqa: E402


def test_each_row_speaks_of_a_block_that_is_there():
    rows = list(explain.page_rows())
    assert rows
    for name, function, words, why in rows:
        path = ROOT / "src" / name
        assert path.is_file(), f"docs/coverage.md: there is no src/{name}: take the row out"
        text = path.read_text().splitlines()
        begins = [number for number, line in enumerate(text, 1) if line.strip().startswith(words)]
        assert any(explain.function_of(text, number) == function for number in begins), (
            f"docs/coverage.md: src/{name} has no '{words}' in {function}: mend the row or take it out")
        assert why
