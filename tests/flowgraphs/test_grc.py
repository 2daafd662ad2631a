# SPDX-License-Identifier: GPL-3.0-or-later
"""GRC: descriptions that fit the blocks, flowgraphs that compile and run without a display."""

from __future__ import annotations

import ast
import dataclasses
import functools
import itertools
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from clips import read_frames, write_clip
from grc_programs import (
    DESCRIPTIONS,
    FLOWGRAPHS,
    ROOT,
    block,
    compile_flowgraph,
    environment,
    run,
    run_offscreen,
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """`compiled("awgn_simulation")`: the program of that flowgraph, compiled once."""
    folder = tmp_path_factory.mktemp("flowgraphs")

    @functools.cache
    def program(name):
        return compile_flowgraph(ROOT / f"grc/flowgraphs/{name}.grc", folder)

    return program


@pytest.mark.parametrize("name", [path.stem for path in FLOWGRAPHS])
def test_every_flowgraph_compiles(name, compiled):
    assert "resivid." in compiled(name).read_text()


def test_awgn_simulation_runs_without_a_display_and_ends_by_itself(tmp_path, compiled):
    clip = write_clip(tmp_path / "in.mp4", 17)
    program = compiled("awgn_simulation")
    run(program, "--video", clip, "--output", tmp_path / "out.mp4", "--snr-db", "8")
    assert len(read_frames(tmp_path / "out.mp4")) == 17


def test_own_tokenizer_sends_what_its_embedded_module_makes_of_the_picture(tmp_path, compiled):
    clip = write_clip(tmp_path / "in.mp4", 9)
    program = compiled("own_tokenizer")
    run(program, "--video", clip, "--output", tmp_path / "out.mp4", "--snr-db", "24")
    received = read_frames(tmp_path / "out.mp4")
    sent = read_frames(clip)
    assert len(received) == 9
    squares = received[8].reshape(8, 32, 8, 32, 3)[:, 4:28, :, 4:28]  # apart from the file's own blur
    assert squares.std((1, 3)).mean() < 4
    means = sent[8].reshape(8, 32, 8, 32, 3).mean((1, 3))
    assert np.abs(squares.mean((1, 3)) - means).mean() < 17  # one of 16 levels


def test_codec_and_radio_on_two_machines_make_the_same_link(tmp_path, compiled):
    clip = write_clip(tmp_path / "in.mp4", 9)
    together = compiled("awgn_simulation")
    run(together, "--video", clip, "--output", tmp_path / "together.mp4")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(min(probe.getsockname()[1], 65000))
    codec, radio = (compiled(f"zmq_split_{part}") for part in ("codec", "radio"))
    files = ["--video", str(clip), "--output", str(tmp_path / "out.mp4")]
    ends = [
        subprocess.Popen(
            [sys.executable, str(program), "--port", port, *more], env=environment(), stdin=subprocess.DEVNULL
        )
        for program, more in ((codec, files), (radio, []))
    ]
    try:
        deadline = time.monotonic() + 200
        while not (tmp_path / "out.mp4").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        for end in ends:
            end.terminate()
    assert [end.wait(60) for end in ends] == [0, 0]
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "together.mp4").read_bytes()


def correlation(picture, reference):
    """Of two pictures of one shape, -1 to 1."""
    return np.corrcoef(picture.astype(float).ravel(), reference.astype(float).ravel())[0, 1]


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="xvfb is not installed: apt-get install xvfb")
def test_the_window_shows_the_received_picture_beside_the_original_and_follows_the_sliders(
    tmp_path, compiled
):
    clip = write_clip(tmp_path / "in.mp4", 24)
    program = compiled("awgn_simulation_qt")
    command = [
        "xvfb-run",
        "-a",
        "-s",
        "-screen 0 1280x1024x24",
        sys.executable,
        str(Path(__file__).with_name("grab_window.py")),
    ]
    done = subprocess.run(
        [*command, str(program), str(clip), str(tmp_path)],
        env={**environment(), "XDG_CONFIG_HOME": str(tmp_path / "config")},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert "size: 1200x860\n" in done.stdout
    said = [line for line in done.stdout.splitlines() if line.startswith(("first: ", "second: "))]
    assert "629 symbols" in said[0] and "471 symbols" in said[1]  # floor(R m S), m = 256 * 256 * 3
    assert (
        float(re.search(r"SNR (\S+) dB", said[0])[1]) < 9 < 17 < float(re.search(r"SNR (\S+) dB", said[1])[1])
    )
    frames = read_frames(clip)[:, ::2, ::2]
    for name in ("first", "second"):
        window = cv2.imread(str(tmp_path / f"{name}.png"))[:, :, ::-1]
        height, width, _ = window.shape
        found = []
        for half in (window[:, : width // 2], window[:, width // 2 :]):
            rows, columns = (
                np.flatnonzero((half != window[0, 0]).any(2).mean(axis) > 0.5) for axis in (1, 0)
            )
            picture = half[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert min(picture.shape[:2]) > 200
            found.append(cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA))
        original = max(correlation(found[0], frame) for frame in frames)
        received = max(correlation(found[1], frame) for frame in frames)
        elsewhere = max(correlation(found[1][:, ::-1], frame) for frame in frames)
        assert original > 0.9 and max(0.3, elsewhere + 0.2) < received and (found[0] != found[1]).any()


@pytest.mark.parametrize(
    "name, arguments, reason",
    [
        ("hackrf_tx", ["--may-transmit", "1"], "no radio for 'driver=hackrf'"),
        ("hackrf_tx", [], "give --i-may-transmit once"),
        ("hackrf_rx", [], "no radio for 'driver=hackrf'"),
        ("usrp_tx", ["--may-transmit", "1"], "uhd: no such radio"),
        ("usrp_rx", [], "uhd: no such radio"),
        ("hackrf_tx", ["--video", "missing.mp4"], "missing.mp4"),
    ],
)
def test_a_radio_or_video_that_is_not_there_is_one_line(name, arguments, reason, compiled, tmp_path):
    pytest.importorskip("SoapySDR")
    done = run_offscreen(tmp_path, compiled(name), *arguments)
    lines = [line for line in done.stderr.splitlines() if line.startswith("resivid: ")]
    assert done.returncode == 1 and len(lines) == 1 and reason in lines[0], done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_both_ends_over_the_loopback_radio_show_the_picture(tmp_path, compiled, air_folder):
    pytest.importorskip("SoapySDR")
    clip = ROOT / "apps/demo/clip.mp4"
    watch = [Path(__file__).with_name("watch_window.py"), compiled("soapy_loopback"), 64, tmp_path / "it.png"]
    files = ["--video", clip, "--output", tmp_path / "out.mp4"]
    done = run_offscreen(tmp_path, *watch, *files, "--pace", "free")
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert cv2.imread(str(tmp_path / "it.png")).std() > 10
    received, sent = (shrunk(read_frames(path)) for path in (tmp_path / "out.mp4", clip))
    assert len(received) >= 64
    assert max(correlation(received[-1], frame) for frame in sent) > 0.6


@pytest.mark.parametrize("radio", ["hackrf", "usrp"])
def test_transmitter_and_receiver_of_a_radio_are_a_link(radio, tmp_path, compiled, air_folder):
    pytest.importorskip("SoapySDR")
    clip, device = ROOT / "apps/demo/clip.mp4", ["--device", "driver=resivid_loopback,pace=free"]
    sender = [compiled(f"{radio}_tx"), *device, "--video", clip]
    with subprocess.Popen(
        [sys.executable, *map(str, sender)], env=environment(), stdin=subprocess.DEVNULL
    ) as tx:
        try:
            watch = [
                Path(__file__).with_name("watch_window.py"),
                compiled(f"{radio}_rx"),
                64,
                tmp_path / "it.png",
            ]
            done = run_offscreen(tmp_path, *watch, *device, "--output", tmp_path / "out.mp4")
        finally:
            tx.terminate()
    assert (done.returncode, tx.returncode) == (0, 0), done.stdout + done.stderr
    sent, received = (shrunk(read_frames(path)) for path in (clip, tmp_path / "out.mp4"))
    assert len(received) >= 64
    # it joins anywhere in the clip, and what it lacked then comes with the key frames
    assert max(correlation(seen, frame) for seen in received[8::8] for frame in sent) > 0.6


SIZES = """
import sys
sys.path.insert(0, sys.argv[1])
from PyQt5 import Qt
import awgn_simulation_qt as program
application = Qt.QApplication(sys.argv)
for _ in range(2):
    window = program.awgn_simulation_qt(video=sys.argv[2])
    program.snippets_main_after_init(window)
    print("size:", window.width(), window.height(), flush=True)
    window.resize(700, 500)
    window.show()
    window.close()
"""


def test_a_window_that_was_opened_before_keeps_its_size(tmp_path, compiled):
    folder = compiled("awgn_simulation_qt").parent
    (tmp_path / "sizes.py").write_text(SIZES + "import os; os._exit(0)")  # as in grab_window.py
    done = run_offscreen(tmp_path, tmp_path / "sizes.py", folder, ROOT / "apps/demo/clip.mp4")
    sizes = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("size:")]
    assert done.returncode == 0 and len(sizes) == 2, done.stdout + done.stderr
    assert int(sizes[0][0]) >= 800 and sizes[1] == [
        "700",
        "500",
    ]  # Qt's screen without a display has 800 columns


@pytest.mark.parametrize("path", FLOWGRAPHS, ids=lambda p: p.stem)
def test_every_window_has_a_first_size_and_no_program_waits_for_a_key(path):
    flowgraph = yaml.safe_load(path.read_text())
    options = flowgraph["options"]["parameters"]
    snippets = [b["parameters"] for b in flowgraph["blocks"] if b["id"] == "snippet"]
    sized = any(s["section"] == "main_after_init" and "self.resize(" in s["code"] for s in snippets)
    assert options["run_options"] == "run" and sized == (options["generate_options"] == "qt_gui")


def shrunk(frames):
    return [cv2.resize(frame, (32, 32), interpolation=cv2.INTER_AREA) for frame in frames]


def test_the_hier_blocks_make_the_same_link(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", 9)
    flowgraph = yaml.safe_load((ROOT / "grc/flowgraphs/awgn_simulation.grc").read_text())
    flowgraph["options"]["parameters"]["id"] = "hier_link"
    flowgraph["blocks"] = [
        block("settings", "variable_resivid_settings", stride="4", cbr="8e-4"),
        block("tx", "resivid_transmitter", path=str(clip), settings="settings"),
        block("channel", "resivid_channel", snr_db="[6.0]", seed="1"),
        block("rx", "resivid_receiver", path=str(tmp_path / "out.mp4"), settings="settings", rate="30"),
    ]
    streams = [["tx", "0", "channel", "0"], ["channel", "0", "rx", "0"]]
    flowgraph["connections"] = streams + [
        ["rx", port, "tx", port] for port in ("mcs", "report", "credit", "done")
    ]
    (tmp_path / "hier_link.grc").write_text(yaml.safe_dump(flowgraph))
    run(compile_flowgraph(tmp_path / "hier_link.grc", tmp_path))
    assert len(read_frames(tmp_path / "out.mp4")) == 9


def test_the_headless_example_builds_the_link_from_the_hier_blocks(tmp_path):
    example = ROOT / "apps/examples/headless_link.py"
    assert len(example.read_text().splitlines()) <= 25
    clip = write_clip(tmp_path / "in.mp4", 20)
    assert "20 frames received" in run(example, clip, tmp_path / "out.mp4", "6")
    assert len(read_frames(tmp_path / "out.mp4")) == 20


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda p: p.name.partition(".")[0])
def test_descriptions_are_complete(path):
    description = yaml.safe_load(path.read_text())
    assert path.name == f"{description['id']}.block.yml"
    assert description["label"] and description["category"].startswith("[resivid]/")
    assert len(description["documentation"]) > 100
    made = description["templates"].get("make") or description["templates"]["var_make"]
    for parameter in description.get("parameters", []):
        assert parameter["label"] and "default" in parameter
        assert "${" + parameter["id"] in made, f"{parameter['id']} is not used"
    asserts = " ".join(description.get("asserts", []))
    for parameter in description.get("parameters", []):
        optional = parameter["default"] == "None" and parameter["id"].endswith(("_db", "_hz", "_rate"))
        if parameter["dtype"] in ("int", "real", "real_vector") or optional:
            assert re.search(rf"\b{parameter['id']}\b", asserts), f"{parameter['id']}: no range is asserted"
    for port in description.get("inputs", []) + description.get("outputs", []):
        assert port["domain"] == "stream" or port["optional"]
        name = port.get("label") or port["id"]
        assert re.search(rf'"{name}"|\b{name}\b', description["documentation"]), (
            f"port {name} is not explained"
        )


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda p: p.name.partition(".")[0])
def test_a_block_in_the_editor_shows_its_numbers_whole(path):
    """GRC's canvas cuts what is longer than 27 characters less those of the label, and than three (`gui/canvas/param.py`)."""
    for parameter in yaml.safe_load(path.read_text()).get("parameters", []):
        number = re.fullmatch(r"-?\d+(\.\d*)?(e-?\d+)?", str(parameter["default"]))
        if number and parameter.get("hide") is None:
            assert len(number[0]) <= max(27 - len(parameter["label"]), 3), parameter["label"]


def test_the_settings_of_the_editor_are_those_of_the_link():
    from gnuradio import resivid

    description = yaml.safe_load((ROOT / "grc/variable_resivid_settings.block.yml").read_text())
    offered = [parameter["id"] for parameter in description["parameters"]]
    fields = {field.name: field.default for field in dataclasses.fields(resivid.LinkSettings)}
    assert sorted(offered) == sorted(fields)
    for parameter in description["parameters"]:
        default = fields[parameter["id"]]
        assert parameter["default"] == ("" if default is None else str(default))


def test_a_setting_that_only_a_block_refuses_is_one_line(tmp_path):
    """The editor cannot look into a file, and a parameter may be given when the program is started."""
    flowgraph = yaml.safe_load((ROOT / "grc/flowgraphs/awgn_simulation.grc").read_text())
    (channel,) = (b for b in flowgraph["blocks"] if b["id"] == "resivid_channel")
    channel["parameters"]["clipping_db"] = "float(snr_db)"
    (tmp_path / "bad_channel.grc").write_text(yaml.safe_dump(flowgraph))
    program = compile_flowgraph(tmp_path / "bad_channel.grc", tmp_path)
    done = run_offscreen(tmp_path, program, "--snr-db", "-60")
    lines = [line for line in done.stderr.splitlines() if line.startswith("resivid: ")]
    assert done.returncode == 1 and len(lines) == 1 and "clipping_db" in lines[0], done.stderr
    assert "Traceback" not in done.stderr


def test_the_editor_offers_the_tables_of_the_package():
    """Those that the physical layer can use, in a list that still takes another name, a path or a variable."""
    known = {path.stem for path in (ROOT / "python/resivid/link/mcs").glob("*.yaml")}
    for path in DESCRIPTIONS:
        for parameter in yaml.safe_load(path.read_text()).get("parameters", []):
            if parameter["id"] == "mcs_table":
                over_the_air = "burst" in path.name
                assert set(parameter["options"]) == ({"air"} if over_the_air else known)
                assert parameter["dtype"] == "string"  # "enum" would take nothing else


RANGES = re.compile(r"\$\{ (?:(-?[\d.e]+) <= (\w+) <= ([\d.e]+)|abs\((\w+)\) <= ([\d.e]+)) \}")


def test_the_asserts_of_the_channel_are_what_it_refuses():
    from gnuradio import resivid

    description = yaml.safe_load((ROOT / "grc/resivid_channel.block.yml").read_text())
    checked = []
    for match in filter(None, map(RANGES.fullmatch, description["asserts"])):
        low, name, high, name_of_size, size = match.groups()
        name, low, high = (
            (name, float(low), float(high)) if name else (name_of_size, -float(size), float(size))
        )
        kind = int if name == "quantiser_bits" else float
        more = {"fading": "rician"} if name == "rician_k_db" else {}
        for value in (low, high):
            resivid.channel([6.0], **{name: kind(value)}, **more)
        for value in (low - 1, high + 1):
            with pytest.raises((ValueError, TypeError)):
                resivid.channel([6.0], **{name: kind(value)}, **more)
        checked.append(name)
    assert len(checked) >= 6


def test_the_tree_holds_every_block_where_its_description_says():
    tree = yaml.safe_load((ROOT / "grc/resivid.tree.yml").read_text())["[resivid]"]
    places = {key: folder for entry in tree for folder, keys in entry.items() for key in keys}
    descriptions = [yaml.safe_load(path.read_text()) for path in DESCRIPTIONS]
    assert places == {d["id"]: d["category"].partition("/")[2] for d in descriptions}


NAMES_IN_EDITOR = {
    "token_source": "live_source",
    "payload_head_writer": "live_head_writer",
    "payload_head_reader": "live_head_reader",
    "make_transmitter": "radio_sink",
    "self.radio": "radio_source",
}
INSIDE_THE_RADIO_BLOCK = {"transmitter_front_end", "receiver_front_end"}


def class_of(module, name):
    """The tree of a class of `flowgraphs/MODULE.py`."""
    tree = ast.parse((ROOT / f"python/resivid/flowgraphs/{module}.py").read_text())
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return found


def stages_of_class(name, end):
    """The chain that the class of `flowgraphs/NAME.py` and its end at the radio wire, as the editor names its blocks."""
    made, wires = {}, []
    for tree in (class_of(name, name), class_of("radio_ends", end)):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                made[ast.unparse(node.targets[0])] = node.value
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if ast.unparse(call.func) == "top.connect":
                ends = [ast.unparse(argument).removesuffix(".block") for argument in call.args]
                wires += itertools.pairwise("self.radio" if e == "radio" else e for e in ends)
            elif ast.unparse(call.func) == "self.msg_connect":
                ends = [
                    argument.elts[0] if isinstance(argument, ast.Tuple) else argument
                    for argument in call.args
                ]
                wires.append(tuple(map(ast.unparse, ends)))
    port = ast.unparse(made["self.payloads"].args[0])  # what `self.end.payloads` leads to
    wires = [tuple(port if e == "self.end.payloads" else e for e in wire) for wire in wires]
    names = {e: ast.unparse(made[e].func) if e in made else e for wire in wires for e in wire}
    chain = [names[e] for e in longest_chain(wires) if names[e] not in INSIDE_THE_RADIO_BLOCK]
    return [NAMES_IN_EDITOR.get(name, name) for name in chain]


def longest_chain(wires):
    """The longest way along the wires, none of which leads back."""

    def way(end):
        return [end, *max((way(b) for a, b in wires if a == end), key=len, default=[])]

    return max((way(a) for a, _ in wires), key=len)


@pytest.mark.parametrize(
    ("flowgraph", "name", "end"),
    [("hackrf_tx", "transmission", "LocalTransmitter"), ("usrp_rx", "reception", "LocalReceiver")],
)
def test_the_editor_s_flowgraphs_have_the_stages_of_tx_and_rx(flowgraph, name, end):
    content = yaml.safe_load((ROOT / f"grc/flowgraphs/{flowgraph}.grc").read_text())
    kinds = {block["name"]: block["id"].removeprefix("resivid_") for block in content["blocks"]}
    wires = [(wire[0], wire[2]) for wire in content["connections"] if wire[3] not in ("credit", "status")]
    chain = [kinds[end] for end in longest_chain(wires) if kinds[end] != "qt_video_sink"]
    assert chain == stages_of_class(name, end) and len(chain) >= 6
