# SPDX-License-Identifier: GPL-3.0-or-later
"""SNR traces: recorded ones to the key frame, made ones by their definition, files that are none."""

import numpy as np
import pytest
from gnuradio.resivid.errors import FormatError, SettingsError
from gnuradio.resivid.link.snr_trace import KINDS, SnrTrace, load_trace, make_trace


def write(folder, text):
    path = folder / "trace.csv"
    path.write_text(text)
    return path


def test_times_in_seconds_become_key_frames(tmp_path):
    trace = load_trace(write(tmp_path, "# drive\ntime_s,snr_db\n0.0,10\n0.5,5.5\n\n0.9,-3\n"))
    # Key frames at 0, 0.25, 0.5, 0.75, 1.0 s
    np.testing.assert_array_equal(trace.at_key_frames(0.25), [10, 10, 5.5, 5.5, -3])


def test_key_frames_hold_until_the_next(tmp_path):
    trace = load_trace(write(tmp_path, "key_frame, snr_db\n1,4\n3,8\n"))
    np.testing.assert_array_equal(trace.at_key_frames(0.1), [4, 4, 4, 8])


@pytest.mark.parametrize(
    "text, match",
    [
        ("", "expected a header"),
        ("time_s,snr_db\n", "expected a header"),
        ("1,2\n3,4\n", "expected a header"),
        ("time_s,snr_db\n0,six\n", "line 2: expected two numbers"),
        ("time_s,snr_db\n0,nan\n", "line 2: expected two numbers"),
        ("time_s,snr_db\n0,1e9\n", "line 2: expected two numbers"),
        ("time_s,snr_db\n0,1,2\n", "line 2: expected two numbers"),
        ('time_s,snr_db\n0,1\n"2,3\n', "line 3: expected two numbers"),
        ("time_s,snr_db\n0,1\n2,1\n2,3\n", "line 4: time_s must rise"),
        ("time_s,snr_db\n-1,1\n", "line 2: time_s must rise, from 0"),
    ],
)
def test_files_that_are_no_trace(tmp_path, text, match):
    with pytest.raises(FormatError, match=match):
        load_trace(write(tmp_path, text))


def test_unreadable_files(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        load_trace(tmp_path / "missing.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="not UTF-8"):
        load_trace(tmp_path / "binary.csv")


def test_endless_traces_are_refused():
    trace = SnrTrace(np.array([0.0, 1e9]), np.array([1.0, 2.0]), in_seconds=True)
    with pytest.raises(SettingsError, match="more than 1000000 key frames"):
        trace.at_key_frames(0.25)


def test_made_traces_by_hand():
    step, ramp = (make_trace(kind, 5.0).snr_db for kind in ("step", "ramp"))
    assert set(step[:20]) == {9.0} and set(step[20:40]) == {1.0} and step[40] == 9.0
    assert (ramp[0], ramp[20], ramp[40], ramp[60], ramp[80]) == pytest.approx((-3, 5, 13, 5, -3))
    assert set(make_trace("constant", 5.0).snr_db) == {5.0}
    assert set(KINDS) >= {"step", "ramp", "fading"}
    with pytest.raises(ValueError, match="kind: expected one of"):
        make_trace("stairs", 5.0)


def test_shadowing_has_its_deviation_and_correlation():
    x = make_trace("fading", 5.0, seed=1, num_key_frames=100_000).snr_db - 5.0
    # 100,000 values correlated over 20 are worth 5,000: deviations of 0.06 dB and of 1 %
    assert x.mean() == pytest.approx(0, abs=0.25)
    assert x.std() == pytest.approx(4.0, rel=0.05)
    assert np.corrcoef(x[:-10], x[10:])[0, 1] == pytest.approx(np.exp(-1), abs=0.05)
    np.testing.assert_array_equal(
        make_trace("fading", 5.0, 1, 100).snr_db, make_trace("fading", 5.0, 1, 100).snr_db
    )
