# SPDX-License-Identifier: GPL-3.0-or-later
"""An error that ends a block is one line of its log, unless the owner raises it."""

from __future__ import annotations

import pytest
from gnuradio.resivid.blocks.failure import CanFail, as_line
from gnuradio.resivid.errors import ResividError


@pytest.mark.parametrize(("logs_error", "lines"), [(True, ["no such thing"]), (False, [])])
def test_an_error_is_kept_and_said_once(logs_error, lines):
    class Log:
        error = staticmethod(lambda text: said.append(text))

    said: list[str] = []
    block = CanFail()
    block.logger, block.logs_error = Log, logs_error
    assert block.error is None
    error = ResividError("no such\nthing")
    block.fail(error)
    assert block.error is error and said == lines


def test_an_error_of_the_user_s_code_says_its_type_and_its_place():
    with pytest.raises(KeyError) as caught:
        {}["x"]  # noqa: B018 # the line that is named
    line = caught.tb.tb_lineno
    assert as_line(caught.value) == f"ended by KeyError: 'x' (test_failure.py, line {line})"
    assert as_line(ValueError("boom")) == "ended by ValueError: boom"  # never raised
