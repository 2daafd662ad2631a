# SPDX-License-Identifier: GPL-3.0-or-later
"""A long run without a terminal says in a log how far it is, now and then."""

import pytest
from gnuradio.resivid.cli import progress_bar


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the bar believes have gone."""
    seconds = [1000.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: seconds[0])
    return seconds


def test_a_line_each_five_minutes(clock, capsys):
    with progress_bar.WorkProgress("evaluate", "job/s") as progress:
        progress.stage("cbr")
        clock[0] += 299
        progress.update(0.1, 1)
        assert capsys.readouterr().err == ""
        clock[0] += 1  # a fifth in 300 s: four times as long is left
        progress.update(0.2, 2)
        assert capsys.readouterr().err == "cbr: 20 %, about 20 min left\n"
        progress.update(0.3, 3)
        progress.stage("snr")
        clock[0] += 600  # a tenth of this stage in 600 s
        progress.update(0.1, 1)
        assert capsys.readouterr().err == "snr: 10 %, about 1 h 30 min left\n"


def test_quiet_is_quiet(clock, capsys):
    with progress_bar.WorkProgress("evaluate", "job/s", quiet=True) as progress:
        clock[0] += 1000
        progress.update(0.5, 1)
    assert capsys.readouterr().err == ""
