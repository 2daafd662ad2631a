# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid tx` and `resivid rx` as two processes over the loopback radio, through SoapySDR's API; recordings, pipes and
wrong use."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import types
import urllib.request
import uuid
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import read_frames, write_clip
from gnuradio.resivid.video.writer import VideoWriter
from loop import smooth_clip

pytest.importorskip("SoapySDR")
from gnuradio.resivid.cli import radio_options, rx_status
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.flowgraphs.live import LiveSettings
from gnuradio.resivid.flowgraphs.settings import LinkSettings

TESTS = Path(__file__).resolve().parents[1]
COMMON = ("--freq", "434M", "--tokenizer", "toy:tokenizer")
RX = (*COMMON, "--interpolator", "toy:interpolator")
FRAMES = 41


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", FRAMES)


@pytest.fixture
def start(tmp_path, monkeypatch, air_folder):
    """Start `resivid ...` in tmp_path; whatever still runs at the end is killed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    running = []
    path = [str(TESTS), os.environ.get("PYTHONPATH", "")]

    def start(*arguments, before=(), **options):
        command = [sys.executable, "-m", "gnuradio.resivid.cli.main", *map(str, arguments)]
        streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, **options}
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*before, *path]), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, **streams)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def finish(process, timeout=300):
    """Exit code and standard error of a process that ends by itself."""
    error = process.communicate(timeout=timeout)[1]
    return process.returncode, error.decode()


def until(condition, timeout=60):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def loopback(**settings):
    fields = {"driver": "resivid_loopback", "pace": "free", **settings}
    return ",".join(f"{name}={value}" for name, value in fields.items())


def shown_by_toy(clip):
    """The key frames as the toy tokenizer shows them with all its tokens."""
    from toy import ToyTokenizer

    toy = ToyTokenizer()
    return toy.decode(toy.encode(read_frames(clip)[::8]))


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def mean_error(a, b):
    return np.abs(a.astype(int) - b.astype(int)).mean()


def test_a_picture_comes_through_and_again_from_its_recording(clip, tmp_path, air_folder, start):
    channel = uuid.uuid4().hex
    impaired = loopback(
        channel=channel, noise_db_hz=-60, clock_offset_ppm=20, frequency_offset_hz=400, phase_noise=0.1,
        iq_gain_db=0.3, iq_phase_deg=2, dc_real=0.05, quantiser_bits=8, gap_every_s=1e6,
    )  # fmt: skip
    rx = start(
        "rx", "-o", "out.mp4", "--device", impaired, "--sample-rate", "48k", "--gain", "0",
        "--record", "air.sigmf-meta", "--frames", FRAMES - 8, "--duration", 250, "--json", "rx.json", *RX,
    )  # fmt: skip
    until(lambda: (air_folder / f"{channel}.socket").exists() or rx.poll() is not None)
    tx = start(
        "tx", clip, "--device", loopback(channel=channel), "--sample-rate", "64k", "--snr", 12, *COMMON
    )
    code, error = finish(tx)
    assert code == 0 and "6 key frames sent, 0 late" in error, error
    code, error = finish(rx)
    assert code == 0 and re.search("resivid: (locked|searching|losing frames); Es/N0", error), error
    report = json.loads((tmp_path / "rx.json").read_text())
    receiver = report["receiver"]
    assert report["blocks_failed"] == 0 and receiver["failed"] == receiver["foreign"] == 0
    # P / (N0 R): HEADROOM^2 over 1e-6 times 2,703.75 symbols a second
    assert report["snr_est_db"] == pytest.approx(10 * np.log10(0.35**2 / 1e-6 / 2703.75), abs=1.0)
    received = read_frames(tmp_path / "out.mp4")
    assert len(received) >= FRAMES - 8
    key_frames = received[::8]
    expected = shown_by_toy(clip)[: len(key_frames)]
    assert mean_error(key_frames[-1], expected[-1]) < 12  # file encoder, and tokens of a later payload
    place = RX.index("--freq")  # the recording says it
    replay = ("rx", "--replay", "air.sigmf-meta", "-o", "again.mp4", "-q", *RX[:place], *RX[place + 2 :])
    replayed = start(*replay)
    code, error = finish(replayed)
    assert code == 0, error
    again = read_frames(tmp_path / "again.mp4")
    count = min(len(again), len(received))
    assert count >= FRAMES - 8
    assert mean_error(again[:count], received[:count]) < 1  # the encoder looks ahead, and the ends differ
    _check_with_the_official_library(tmp_path / "air.sigmf-meta")


def _check_with_the_official_library(meta):
    import sigmf

    recording = sigmf.sigmffile.fromfile(str(meta))
    recording.validate()
    assert recording.get_capture_info(0)["core:frequency"] == 434e6
    assert recording.get_global_info()["core:sample_rate"] == pytest.approx(4 * 2703.75)
    assert len(recording.read_samples(count=100)) == 100


def test_samples_go_through_a_pipe(clip, tmp_path, air_folder, start):
    tx = start("tx", clip, "--device", "-", "-q", "--snr", 12, *COMMON, stdout=subprocess.PIPE)
    rx = start("rx", "--device", "-", "-q", "-o", "out.mp4", *RX, stdin=tx.stdout)
    tx.stdout.close()
    code, error = finish(rx)
    assert (code, error) == (0, "")
    received = read_frames(tmp_path / "out.mp4")
    assert len(received) == FRAMES
    assert mean_error(received[-1], shown_by_toy(clip)[-1]) < 12


def test_real_time_with_a_plug_pulled_and_a_transmitter_restarted(clip, tmp_path, air_folder, start):
    channel = uuid.uuid4().hex
    device = loopback(channel=channel, pace="real", noise_db_hz=-60)
    (tmp_path / "link.key").write_bytes(bytes(range(32)))
    key = ("--key", "link.key", "--feedback", f"udp://127.0.0.1:{free_port()}")
    said = tmp_path / "rx.txt"
    rx = start(
        "rx", "-o", "-", "--device", device, "--sample-rate", "48k", "--web", "127.0.0.1:0", *key, *RX,
        stdout=subprocess.PIPE, stderr=said.open("w"),
    )  # fmt: skip
    transmit = (
        "tx",
        clip,
        "--device",
        loopback(channel=channel, pace="real"),
        "--loop",
        "--sample-rate",
        "48k",
        *key,
    )
    tx = start(*transmit, *COMMON, "--snr", 8)
    frame = 256 * 256 * 3

    def read_until(words):
        deadline = time.monotonic() + 200
        while words not in said.read_text():
            assert time.monotonic() < deadline, said.read_text()
            assert len(rx.stdout.read(frame)) == frame

    assert len(rx.stdout.read(9 * frame)) == 9 * frame
    tx.terminate()
    finish(tx)
    start(*transmit, *COMMON, "--snr", 4)  # another row
    read_until("1 restarts of the transmitter")
    (air_folder / f"{channel}.unplugged").touch()
    time.sleep(1.5)
    (air_folder / f"{channel}.unplugged").unlink()
    read_until("1 times without radio")
    assert len(rx.stdout.read(9 * frame)) == 9 * frame
    page = re.search(r"live page at (http://\S+)", said.read_text())[1]
    deadline, figures = time.monotonic() + 200, ""
    while "64QAM 746/1024" not in figures:  # the row for the 16.5 dB that are there: the reports arrive
        assert time.monotonic() < deadline, figures
        assert len(rx.stdout.read(frame)) == frame
        figures = urllib.request.urlopen(page + "stats", timeout=60).read().decode()
    assert json.loads(figures)["snr_est_db"] < 18  # blocks that the gaps spoilt count, with little
    rx.terminate()
    rx.stdout.close()
    code, error = rx.wait(120), said.read_text()
    assert code == 1 and "interrupted" in error
    assert re.search(r"\d+ ms from the camera to the screen", error)
    assert "1 restarts of the transmitter" in error and "1 times without radio" in error
    assert "forged" not in error


def test_a_late_receiver_with_a_memory_that_lives_on_asks_for_a_start(tmp_path, air_folder, start):
    """Of a picture that stands still nothing more is sent, so that who joins late sees it only when he is heard."""
    picture = smooth_clip(1)[0]
    with VideoWriter(tmp_path / "still.mp4", Fraction(30), 256, 256, crf=1) as writer:
        for _ in range(FRAMES):
            writer.write(picture)
    common = (
        "--codec",
        "closed_loop",
        "--memory",
        "feedback",
        "--tokenizer",
        "loop:tokenizer",
        "--freq",
        "434M",
    )
    common += ("--feedback", f"udp://127.0.0.1:{free_port()}", "--sample-rate", "48k")
    channel = uuid.uuid4().hex
    device = loopback(channel=channel, noise_db_hz=-60, gap_every_s=2, gap_s=0.3)
    receive = ("rx", "-o", "-", "--device", device, "--interpolator", "toy:interpolator", *common)
    size = 256 * 256 * 3

    def error_of(data):
        return mean_error(np.frombuffer(data, np.uint8).reshape(256, 256, 3), picture)

    def wait_for_the_picture(rx):
        deadline = time.monotonic() + 200
        while error_of(data := rx.stdout.read(size)) > 13:  # 10.6 is the best of these codes, 34 is grey
            assert time.monotonic() < deadline and len(data) == size

    first = start(*receive, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    until(lambda: (air_folder / f"{channel}.socket").exists() or first.poll() is not None)
    tx = start("tx", "still.mp4", "--loop", "--device", loopback(channel=channel), "--snr", 12, *common)
    wait_for_the_picture(first)
    first.terminate()
    first.wait()
    wait_for_the_picture(start(*receive, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
    tx.terminate()
    assert finish(tx)[0] == 1


def test_the_networks_on_one_host_and_the_radios_on_others(clip, tmp_path, air_folder, start):
    """Four processes; those of the radios have no PyTorch and no tokenizer that they could load."""
    pytest.importorskip("zmq")
    sending, receiving = (f"zmq://127.0.0.1:{free_port()}" for _ in range(2))
    channel = uuid.uuid4().hex
    radio = ("--device", loopback(channel=channel, noise_db_hz=-60), "--sample-rate", "48k", "--freq", "434M")
    (tmp_path / "without").mkdir()
    (tmp_path / "without/torch.py").write_text("raise ImportError('no torch')")
    rx_radio = start(
        "rx", "-o", receiving, *radio, "--tokenizer", "none:such", before=[str(tmp_path / "without")]
    )
    until(lambda: (air_folder / f"{channel}.socket").exists() or rx_radio.poll() is not None)
    said = tmp_path / "rx.txt"
    rx = start(
        "rx", "--device", receiving, "-o", "out.mp4", "--frames", FRAMES - 8, "--duration", 250, "--json", "rx.json",
        *RX[2:], stderr=said.open("w"),
    )  # fmt: skip
    until(
        lambda: "resivid: searching" in said.read_text() or rx.poll() is not None
    )  # it hears the radio's host
    tx_radio = start("tx", sending, *radio, "--tokenizer", "none:such", before=[str(tmp_path / "without")])
    tx = start("tx", clip, "--device", sending, "--pace", "file", "--snr", 12, *COMMON[2:])
    code, error = finish(tx)
    assert code == 0 and "6 key frames sent, 0 late" in error, error
    assert f"resivid: payloads to {sending}; 30 frame/s, S = 8, 2704 symbols a second" in error
    code, error = finish(tx_radio)
    assert code == 0 and "6 key frames sent, 0 dropped" in error, error
    assert rx.wait(300) == 0, said.read_text()
    receiver = json.loads((tmp_path / "rx.json").read_text())["receiver"]
    assert receiver["failed"] == receiver["foreign"] == 0 and receiver["bursts"] >= receiver["received"] >= 5
    received = read_frames(tmp_path / "out.mp4")
    assert mean_error(received[::8][-1], shown_by_toy(clip)[len(received[::8]) - 1]) < 12
    rx_radio.terminate()
    code, error = finish(rx_radio)
    assert code == 1 and "resivid: locked" in error, error


def test_bench_radio_sends_and_compares(tmp_path, start):
    bench = start(
        "bench", "radio", "--mcs", 2, "--frames", 12, "--above", 3, "--impairment", "offsets", "--json", "rows.json", "-q"
    )  # fmt: skip
    code, error = finish(bench)
    assert (code, error) == (0, "")
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert (row["frames_sent"], row["frames_received"], row["frames_false"]) == (12, 12, 0)
    assert row["snr_est_db"] == pytest.approx(row["snr_db"], abs=0.5)
    assert row["psnr_db"] is None and row["cpu_share"] > 0
    assert row["latency_ms"] > 1e3 * (721 + 72) / 2703.75  # the frame, and the preamble that closes it


def test_bench_radio_passes_on_what_a_process_says(start):
    code, error = finish(start("bench", "radio", "--mcs", 0, "--frames", 1, "--sample-rate", "99M", "-q"))
    assert code == 1 and "--sample-rate 9.9e+07: this device has" in error and error.count("\n") == 1


def test_bench_latency_adds_up(tmp_path, start):
    for seconds in (4, 20):  # a machine with much else to do
        code, error = finish(
            start(
                "bench", "latency", "--seconds", seconds, "--sample-rate", "48k", "--tokenizer", "toy:tokenizer",
                "--interpolator", "toy:interpolator", "--json", "latency.json", "-q",
            )
        )  # fmt: skip
        if code == 0:
            break
    assert (code, error) == (0, "")
    result = json.loads((tmp_path / "latency.json").read_text())
    stages = result["stages"]
    assert len(stages) == 7
    assert sum(row["ms"] for row in stages) == pytest.approx(stages[-1]["age_ms"], abs=1)
    assert stages[-1]["age_ms"] == pytest.approx(result["beyond_ms"], abs=1)
    assert result["latency_ms"] == pytest.approx(result["beyond_ms"] + 1e3 * 7 / 30, abs=1)
    # by count of samples: two pages at 43 kS/s, two buffers of 512 at 48 kS/s and one that the radio writes from
    assert 0 <= stages[2]["ms"] < 1e3 * (2 * 512 / 43260 + 3 * 512 / 48e3) + 1
    assert stages[3]["ms"] == pytest.approx(1e3 * (721 + 72) / 2703.75, abs=0.1)
    assert 0 < result["received"] <= result["sent"]


def test_bench_soak_goes_on_where_it_was(tmp_path, start):
    for hours in (1e-4, 4e-3):  # one transmission; then as many as it takes
        code, error = finish(
            start("bench", "soak", "soak", "--hours", hours, "--frames", 20, "--json", "soak.json", "-q")
        )
        assert (code, error) == (0, "")
    records = [json.loads(line) for line in (tmp_path / "soak/soak.jsonl").read_text().splitlines()]
    assert [record["number"] for record in records] == list(range(len(records)))
    assert records[0]["run"] == 0 and records[-1]["run"] == 1
    summary = json.loads((tmp_path / "soak.json").read_text())
    assert summary["hours"] >= 4e-3 and summary["frames_false"] == 0 and summary["troubles"] == []


def one_line(capfd):
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("resivid: ")]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["rx", "--device", "driver=nonesuch"], 1, "no radio for 'driver=nonesuch'"),
        (["rx", "--device", "driver=resivid_loopback,rate_max=1e5", "--lo-offset", "1M"], 2, "do not fit"),
        (["rx", "--device", "driver=resivid_loopback", "--sample-rate", "99M"], 2, "--sample-rate 9.9e.07"),
        (["rx", "--device", "driver=resivid_loopback", "--gain", "99"], 1, "--gain 99: this device has"),
        (["rx", "--freq", "99999G"], 2, "--freq: expected above 0"),
        (["rx", "--freq", "loud"], 2, "--freq: expected a number of Hz"),
        (["rx", "--replay", "none.sigmf-meta"], 1, "none.sigmf-meta: cannot be read"),
        (["rx", "--replay", "x", "--device", "driver=y"], 2, "--replay and --device"),
        (["rx", "--mcs-table", "table1"], 2, "cannot be used over the air"),
        (["rx", "--cbr", "1e-6"], 2, "has no row for key frames of 1 symbols"),
        (["rx", "--rate", "0"], 2, "--rate: expected 1 to 240"),
        (["rx", "-o", "out.avi", "--device", "driver=resivid_loopback"], 1, "its name must end in"),
        (
            ["rx", "-o", "window", "--device", "driver=resivid_loopback,channel=w"],
            1,
            "there is no display here",
        ),
        (["bench", "radio", "--impairment", "rain"], 2, "no 'rain'; known: all, none, offsets"),
        (
            ["rx", "--device", "driver=resivid_loopback", "--feedback", "tcp://a:1"],
            2,
            "--feedback: expected udp://HOST:PORT",
        ),
        (["rx", "--device", "zmq://a"], 2, "--device: expected zmq://HOST:PORT"),
        (["rx", "--device", "zmq://a:1", "-o", "zmq://b:1"], 2, "belong to the radio's host"),
        (
            ["rx", "--device", "driver=resivid_loopback", "-o", "zmq://*:0"],
            2,
            "--output: expected zmq://HOST:PORT",
        ),
        (
            ["rx", "--device", "driver=resivid_loopback", "-o", "zmq://*:1", "--json", "a"],
            2,
            "to the other host",
        ),
        (["tx", "zmq://*:1", "--device", "zmq://a:1"], 2, "only one of them may be at another host"),
        (["tx", "zmq://*:0", "--device", "driver=resivid_loopback"], 2, "IN: expected zmq://HOST:PORT"),
        (["tx", "test", "--call-sign", "?"], 2, "--call-sign: expected 1 to 16"),
        (["rx", "--memory", "feedback"], 2, "--memory feedback needs a return link"),
        (["tx", "test", "--device", "-", "--memory", "feedback"], 2, "--memory feedback needs a return link"),
        (["rx", "--key", "none.key"], 1, "--key none.key: cannot be read"),
        (["tx", "none.mp4", "--device", "-"], 1, "none.mp4: no such file"),
        (["tx", "/dev/video99", "--device", "-"], 1, "/dev/video99: is no video"),
        (["tx", "test", "--device", "driver=hackrf"], 2, "transmitting on 434 MHz.*--i-may-transmit once"),
    ],
)
def test_wrong_use_is_one_line(arguments, code, message, tmp_path, monkeypatch, capfd, air_folder):
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(display, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    defaults = ["--tokenizer", "toy:tokenizer"] + ([] if "--freq" in arguments else ["--freq", "434M"])
    if arguments[0] == "bench":
        defaults = []
    if arguments[0] == "rx":
        defaults += ["--interpolator", "toy:interpolator", "--duration", "2"]
    assert main([*arguments, *defaults]) == code
    assert re.search(message, one_line(capfd))


def test_leave_to_transmit_is_asked_for_once(tmp_path, monkeypatch):
    from gnuradio.resivid.errors import SettingsError
    from gnuradio.resivid.radio.permission import check_may_transmit
    from gnuradio.resivid.radio.settings import RadioSettings

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    radio = RadioSettings("driver=hackrf", 434e6, gain_db=10)
    with pytest.raises(SettingsError, match="give --i-may-transmit once"):
        check_may_transmit(radio, False, 2974.1)
    said = check_may_transmit(radio, True, 2974.1)
    assert said == "transmitting on 434 MHz, 2.97 kHz wide, gain 10 dB, device driver=hackrf"
    assert check_may_transmit(radio, False, 2974.1)
    assert check_may_transmit(RadioSettings("-", 434e6), False, 2974.1) == ""


def test_only_a_pipe_or_another_host_needs_no_frequency():
    def settings(device):
        return radio_options.radio_settings(device, None, None, "", 0.0, None, None, "", None)

    assert settings("-").frequency_hz == settings("zmq://a:1").frequency_hz == 0
    with pytest.raises(SettingsError, match="--freq is missing"):
        settings("driver=hackrf")


def quiet_status(**values):
    """Of a receiver that has heard nothing yet."""
    counts = dict.fromkeys("received failed foreign repeated forged replayed missing restarts".split(), 0)
    others = {
        "state": "searching", "losses": 0, "overflows": 0, "dropped": 0, "shift_hz": 0.0, "latency_ms": None,
        "problem": "", "call_sign": "", "snr_db": float("nan"), "mcs": 0,
    }  # fmt: skip
    return types.SimpleNamespace(**{**counts, **others, **values})


@pytest.mark.parametrize("quiet", [False, True])
def test_what_is_still_to_be_drawn_at_the_end_is_said_once(quiet, monkeypatch, capfd):
    clock = [100.0]
    monkeypatch.setattr(rx_status.time, "monotonic", lambda: clock[0])
    status = quiet_status(state="ended", received=9)
    reporter = rx_status.Reporter(LiveSettings(LinkSettings(mcs_table="air")), quiet, Fraction(30))
    for clock[0], waiting in ((101.0, 72), (103.0, 64), (105.0, 32), (107.0, 0)):
        reporter(types.SimpleNamespace(status=lambda: status, frames_waiting=waiting))
    said = capfd.readouterr().err.splitlines()
    assert [line for line in said if "drawn" in line] == (
        [] if quiet else ["resivid: 64 frames still to be drawn"]
    )


@pytest.mark.parametrize("heard", ["", "forged", "foreign"])
def test_the_hint_of_silence_is_for_silence(heard, monkeypatch, capfd):
    """After half a minute; a block of somebody else's had the symbol rate that was expected."""
    clock = [100.0]
    monkeypatch.setattr(rx_status.time, "monotonic", lambda: clock[0])
    status = quiet_status(failed=1, **({heard: 3} if heard else {}))
    reporter = rx_status.Reporter(LiveSettings(LinkSettings(mcs_table="air")), False, Fraction(30))
    for clock[0] in (101.0, 140.0):
        reporter(types.SimpleNamespace(status=lambda: status))
    said = capfd.readouterr().err
    assert ("nothing received for 30 s" in said) == (not heard)
    assert "nan" not in said and "1 failed" in said
