# SPDX-License-Identifier: GPL-3.0-or-later
"""The soak's log and what is made of it, worked by hand."""

from __future__ import annotations

import json

import pytest
from gnuradio.resivid.errors import FormatError
from gnuradio.resivid.evaluate import soak
from gnuradio.resivid.link.mcs_table import load_mcs_table


def record(number, run=0, mib=80.0, signal_s=360.0, **more):
    return {
        "number": number, "run": run, "ending": "by itself", "signal_s": signal_s, "frames_received": 10,
        "frames_false": 0, "resident_mib": mib, "latency_histogram": {"6": 9, "20": 1}, **more,
    }  # fmt: skip


def test_an_episode_follows_from_its_number():
    table = load_mcs_table("air", 629)
    first, again, other = (soak.draw(number, table, 2703.75, 7) for number in (3, 3, 4))
    assert first == again and first != other
    # 0.35^2 over 2,703.75 symbols a second is -43.44 dB of 1/Hz
    snr_db = -43.44 - first.settings["noise_db_hz"]
    assert snr_db - table.rows[first.row].snr_db == pytest.approx(first.margin_db, abs=0.01)
    assert 1 <= first.margin_db <= 8 and 300 <= first.frames < 1500


def test_memory_latency_and_troubles_are_summed_up():
    # 6 minutes an episode, 0.5 MiB more each: 5 MiB an hour; the second run is short and does not count
    records = [record(n, mib=80 + 0.5 * n) for n in range(20)] + [record(20, run=1, mib=500)]
    records.append({"number": 21, "run": 1, "trouble": "died"})
    result = soak.summary(records)
    assert result["memory_mib_per_hour"] == pytest.approx(5.0)
    assert result["hours"] == pytest.approx(2.1) and result["frames_received"] == 210
    assert result["troubles"] == ["died"]
    assert result["latency_ms"] == {"p50": 350.0, "p99": 1050.0}  # upper ends of the steps 6 and 20 of 50 ms
    assert soak.summary([])["memory_mib_per_hour"] is None


def test_a_log_that_was_cut_short_goes_on(tmp_path):
    path = tmp_path / soak.LOG
    path.write_text(json.dumps(record(0)) + "\n" + '{"number": 1, "ru')
    assert [entry["number"] for entry in soak.read_log(path)] == [0]
    path.write_text('{"number": 1\n' + json.dumps(record(0)) + "\n")
    with pytest.raises(FormatError, match="line 1 is no record of a soak"):
        soak.read_log(path)
