# SPDX-License-Identifier: GPL-3.0-or-later
"""What a compiled flowgraph says when something of the user's fails while it runs."""

from __future__ import annotations

import pytest
import yaml
from clips import write_clip
from grc_programs import ROOT, compile_flowgraph, run_offscreen


def changed_flowgraph(folder, name, old, new):
    """The program of an example flowgraph in which one text is another."""
    text = (ROOT / f"grc/flowgraphs/{name}.grc").read_text()
    assert text.count(old) == 1
    (folder / f"{name}.grc").write_text(text.replace(old, new))
    return compile_flowgraph(folder / f"{name}.grc", folder)


@pytest.mark.parametrize(
    "at, block",
    [
        ("uint8 (n, 256, 256, 3) to uint16 (n, 64)", "token_source"),
        ("uint16 (n, l), 4095 where", "video_sink"),
    ],
    ids=["encode", "decode"],
)
def test_a_tokenizer_that_raises_is_one_line_and_exit_code_1(tmp_path, at, block):
    program = changed_flowgraph(
        tmp_path, "own_tokenizer", f'"""{at}', f'raise ValueError("{{}} boom")  # {at}'
    )
    clip = write_clip(tmp_path / "in.mp4", 9)
    done = run_offscreen(tmp_path, program, "--video", clip, "--output", tmp_path / "out.mp4")
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "boom" in line]
    assert done.returncode == 1 and len(lines) == 1, done.stdout + done.stderr
    assert "ValueError: {} boom" in lines[0] and lines[0].startswith(block)
    assert "Traceback" not in done.stderr and not (tmp_path / "out.mp4").exists()


def test_a_size_that_the_tokenizer_does_not_have_is_refused_at_the_start(tmp_path):
    program = changed_flowgraph(tmp_path, "own_tokenizer", "size: '256'", "size: '255'")
    clip = write_clip(tmp_path / "in.mp4", 9)
    done = run_offscreen(tmp_path, program, "--video", clip, "--output", tmp_path / "out.mp4")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "resivid: --size must be 256 for this tokenizer, got 255"


def test_flowgraphs_that_write_a_file_say_so_and_end_with_the_error_of_their_blocks():
    """Each without a window that has a Video Sink ends as the tests above saw one end."""
    found = []
    for path in sorted((ROOT / "grc/flowgraphs").glob("*.grc")):
        flowgraph = yaml.safe_load(path.read_text())
        kinds = {block["id"] for block in flowgraph["blocks"]}
        if (
            flowgraph["options"]["parameters"]["generate_options"] == "no_gui"
            and "resivid_video_sink" in kinds
        ):
            (snippet,) = (block["parameters"] for block in flowgraph["blocks"] if block["id"] == "snippet")
            assert snippet["section"] == "main_after_stop" and "resivid.exit_if_failed(" in snippet["code"]
            found.append(path.stem)
    assert found == ["awgn_simulation", "own_tokenizer", "zmq_split_codec"]
