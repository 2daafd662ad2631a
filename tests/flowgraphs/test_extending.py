# SPDX-License-Identifier: GPL-3.0-or-later
"""The package of docs/extending.md, installed as pip leaves it, runs; what is wrong with a package is one line."""

import importlib
import re
import sys
import tomllib

import numpy as np
import pytest
from clips import read_frames, write_clip
from conftest import ROOT
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.codec.registry import load_codec
from gnuradio.resivid.errors import PluginError, RadioError, ResividError, SettingsError
from gnuradio.resivid.evaluate.plugin_metrics import PluginMetrics
from gnuradio.resivid.flowgraphs.settings import LinkSettings
from gnuradio.resivid.flowgraphs.simulate import SimulationSettings, simulation
from gnuradio.resivid.link.mcs_table import load_mcs_table
from gnuradio.resivid.models.registry import load_tokenizer
from gnuradio.resivid.plugins import GROUPS, load_plugin, plugin_names
from gnuradio.resivid.radio.factory import make_receiver
from gnuradio.resivid.radio.permission import check_may_transmit
from gnuradio.resivid.radio.settings import RadioSettings

DOCUMENT = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
FILES = {
    re.match(r"# (\S+)\n", text)[1]: text
    for _, text in re.findall(r"```(\w+)\n(# .*?)```", DOCUMENT, re.DOTALL)
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts modules and the entry points of a pyproject.toml where Python finds them, as an installation does."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(files, entry_points, package="my-resivid"):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        folder = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = (f"[{g}]\n" + "".join(f"{k} = {v}\n" for k, v in e.items()) for g, e in entry_points.items())
        (folder / "entry_points.txt").write_text("\n".join(lines))
        importlib.invalidate_caches()

    yield put
    for name in [n for n, m in sys.modules.items() if str(tmp_path) in str(getattr(m, "__file__", ""))]:
        del sys.modules[name]


@pytest.fixture
def documented(install):
    install(FILES, tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"])


def test_each_file_of_the_example_is_short():
    names = ("__init__.py", "codec.py", "radio.py", "robust.yaml")
    assert sorted(FILES) == [*(f"my_resivid/{name}" for name in names), "pyproject.toml"]
    assert all(len(text.splitlines()) < 50 for text in FILES.values())


def test_the_table_of_the_page_lists_every_group():
    assert set(re.findall(r"^\| `(resivid\.\w+)` \|", DOCUMENT, re.MULTILINE)) == set(GROUPS.values())


def test_the_documented_package_runs_in_a_simulation(documented, tmp_path):
    link = LinkSettings(tokenizer="grey", interpolator="hold", mcs_table="robust", stride=4)
    clip = write_clip(tmp_path / "in.mp4", 9)
    pairs = []
    flowgraph = simulation(clip, None, SimulationSettings(link=link, snr_db=(9.0,)))
    flowgraph.comparison.watch(lambda index, original, picture: pairs.append((original, picture)))
    statistics = flowgraph.run()
    assert statistics.frames == 9 and list(statistics.mcs) == ["QPSK 120/1024", "QPSK 308/1024"]
    error = np.mean([np.abs(a.astype(float) - b).mean() for a, b in pairs])
    assert statistics.own_metrics == {"mae": pytest.approx(error)}
    squares = pairs[-1][1].reshape(16, 16, 16, 16, 3)
    assert (squares == squares[:, :1, :, :1, :1]).all()  # grey, of one value each


def test_the_documented_codec_shows_the_mean_grey_of_each_square(documented, tmp_path):
    link = LinkSettings(codec="mosaic", tokenizer="grey", interpolator="hold", stride=4)
    clip = write_clip(tmp_path / "in.mp4", 9)
    pairs = []
    flowgraph = simulation(clip, None, SimulationSettings(link=link, snr_db=(9.0,)))
    flowgraph.comparison.watch(lambda index, original, picture: pairs.append((original, picture)))
    statistics = flowgraph.run()
    assert statistics.frames == 9 and statistics.blocks_failed == 0
    errors = []
    for index in (0, 4, 8):
        original, received = pairs[index]
        grey = original.reshape(8, 32, 8, 32, 3).mean((1, 3, 4))
        squares = received.reshape(8, 32, 8, 32, 3)
        assert (squares == squares[:, :1, :, :1, :1]).all()
        errors.append(np.abs(squares[:, 0, :, 0, 0] - grey).max())
    assert errors[0] < 64 and errors[2] <= 1  # 2 bits a square in the first row, 8 in that of 9 dB


def test_the_documented_radio_carries_a_link_in_a_file(documented, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    clip, out = write_clip(tmp_path / "in.mp4", 65), tmp_path / "out.mp4"
    device = f"--device=shorts,path={tmp_path / 'link.iq'},rate=48000,pace=free"
    common = [device, "--freq", "434M", "--tokenizer", "grey", "--quiet"]
    assert main(["tx", str(clip), *common, "--pace", "file"]) == 0
    assert (tmp_path / "link.iq").stat().st_size > 4 * 48000
    assert main(["rx", "-o", str(out), *common, "--interpolator", "hold"]) == 0
    received = read_frames(out)
    assert len(received) >= 33 and received[-1].std() > 5
    assert np.abs(np.diff(received[-1].astype(int), axis=2)).max() < 12  # grey, but for the file's own coding
    assert not (tmp_path / "config").exists()  # no leave was asked for, and none is kept


def test_the_documented_radio_names_what_it_needs(documented):
    with pytest.raises(SettingsError, match="--device shorts: expected path=FILE"):
        make_receiver(RadioSettings("shorts,rate=48000", 434e6), 10e3, 5e3)


@pytest.mark.parametrize(
    ("code", "asks"), [("", True), ("make.radiates = True", True), ("make.radiates = False", False)]
)
def test_a_radio_of_a_package_is_taken_to_radiate_unless_it_says_so(
    install, tmp_path, monkeypatch, code, asks
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    install(
        {"radio_of_mine.py": f"def make(*a): ...\n{code}\n"},
        {"resivid.radios": {"mine": "radio_of_mine:make"}},
    )
    radio = RadioSettings("mine,x=1", 434e6)
    if asks:
        with pytest.raises(SettingsError, match="--i-may-transmit"):
            check_may_transmit(radio, False, 3e3)
    else:
        assert check_may_transmit(radio, True, 3e3) == "" and not (tmp_path / "config").exists()


@pytest.mark.parametrize("code", ["def make(*a): return 1 / 0", "def make(*a): return 42"])
def test_a_radio_that_raises_is_one_line(install, code, tmp_path):
    install({"radio_of_mine.py": code}, {"resivid.radios": {"mine": "radio_of_mine:make"}})
    with pytest.raises(RadioError, match="--device mine,x=1: "):
        make_receiver(RadioSettings("mine,x=1", 434e6), 10e3, 5e3)


def test_names_of_packages_are_listed_where_a_name_is_unknown(documented):
    assert plugin_names("tokenizer") == ["grey"]
    with pytest.raises(SettingsError, match="expected one of grey, multiscale"):
        load_tokenizer("green")
    with pytest.raises(ResividError, match="known: air, calibrated, robust, table1"):
        load_mcs_table("green")


def test_a_codec_is_a_module(install):
    functions = "make_settings = make_encoder = make_decoder = least_bits = print"
    install({"my_codec.py": f"OPTIONS = ('x',)\n{functions}\n"}, {"resivid.codecs": {"mine": "my_codec"}})
    assert load_codec("mine").OPTIONS == ("x",)
    with pytest.raises(SettingsError, match="closed_loop, mine or package.module"):
        load_codec("green")


def test_a_package_cannot_replace_what_is_here(install):
    install(
        {"thief.py": "def load(w, d): return 1 / 0\n"}, {"resivid.tokenizers": {"multiscale": "thief:load"}}
    )
    assert load_tokenizer("multiscale").name == "multiscale"


@pytest.mark.parametrize(
    "code, reason",
    [
        ("raise RuntimeError('of mine')", "of mine"),
        ("import no_such_module", "no_such_module"),
        ("", "has no attribute"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(install, code, reason):
    install({"broken.py": code}, {"resivid.tokenizers": {"mine": "broken:load"}})
    with pytest.raises(SettingsError, match=f"tokenizer 'mine': broken:load cannot be loaded .*{reason}"):
        load_tokenizer("mine")


def test_a_name_of_two_packages_is_refused(install):
    install({"one.py": "load = 1"}, {"resivid.metrics": {"mine": "one:load"}}, "package-one")
    install({"two.py": "load = 2"}, {"resivid.metrics": {"mine": "two:load"}}, "package-two")
    with pytest.raises(SettingsError, match="metric 'mine': offered by "):
        load_plugin("metric", "mine")
    metrics = PluginMetrics()
    assert metrics.result()[0] == {"mine": None}


def test_a_metric_that_raises_ends_alone(install):
    code = "def good(a, b): return 2\ndef bad(a, b): return 1 / 0\ndef nan(a, b): return float('nan')\n"
    install(
        {"metrics_of_mine.py": code},
        {"resivid.metrics": {n: f"metrics_of_mine:{n}" for n in ("good", "bad", "nan")}},
    )
    metrics, picture = PluginMetrics(), np.zeros((4, 4, 3), np.uint8)
    metrics.add(picture, picture)
    metrics.add(picture, picture)
    means, notes = metrics.result()
    assert means == {"good": 2.0, "bad": None, "nan": None}
    assert "bad: not computed, frame 0: ZeroDivisionError: division by zero" in notes


def test_a_table_whose_file_is_gone_is_told_from_an_unknown_name(install, tmp_path):
    install({"tables.py": "path = 'gone.yaml'\n"}, {"resivid.mcs_tables": {"mine": "tables:path"}})
    with pytest.raises(ResividError, match="MCS table 'mine': the file that its package names .*: gone.yaml"):
        load_mcs_table("mine")


@pytest.mark.parametrize("value", ["1 / 0", "42", "'missing.yaml'"])
def test_a_table_without_a_file_is_one_line(install, value):
    install({"tables.py": f"def path(): return {value}\n"}, {"resivid.mcs_tables": {"mine": "tables:path"}})
    with pytest.raises(ResividError, match="mine"):
        load_mcs_table("mine")


WRAPPERS = {
    "tokenizer": """
import numpy as np
from my_resivid import Grey
class Broken(Grey):
    pass
def load(weights, device):
    return Broken()
""",
    "codec": """
from my_resivid.codec import *
from my_resivid.codec import make_decoder as sound_decoder, make_encoder as sound_encoder
class make_encoder(sound_encoder):
    pass
class make_decoder(sound_decoder):
    pass
""",
}
RAISES = "def boom(*arguments, **options):\n    raise {}('of mine')\n"


@pytest.mark.parametrize("error", ["ValueError", "KeyError"])
@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("tokenizer", "Broken.encode"),
        ("tokenizer", "Broken.decode"),
        *(("codec", f"make_encoder.{name}") for name in ("__init__", "analyse", "flush", "pack")),
        *(("codec", f"make_decoder.{name}") for name in ("__init__", "unpack", "render")),
    ],
)
def test_what_raises_ends_the_run_with_its_name(documented, tmp_path, capfd, kind, where, error):
    """Exit code 1 whatever it raises: a ValueError of somebody else's is no wrong use."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/__init__.py").touch()
    (tmp_path / "broken/part.py").write_text(f"{WRAPPERS[kind]}{RAISES.format(error)}{where} = boom\n")
    importlib.invalidate_caches()
    clip, name = (
        write_clip(tmp_path / "in.mp4", 9),
        {"tokenizer": "broken.part:load", "codec": "broken.part"}[kind],
    )
    chosen = ("--tokenizer", "grey") if kind == "codec" else ()
    out = tmp_path / "out.mp4"
    arguments = ["simulate", str(clip), "-o", str(out), "--interpolator", "hold", "--stride", "4", "--quiet"]
    assert main([*arguments, f"--{kind}", name, *chosen]) == 1
    method = where.partition(".")[2].replace("__init__", where.partition(".")[0])
    said = capfd.readouterr().err.splitlines()[-1]
    assert said.startswith(f"resivid: {kind} '{name}', {method}: {error}: "), said
    assert "of mine" in said and said.endswith("(resivid -v shows where)") and not out.exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("load = lambda w, d: None", "NoneType has no name, num_tokens, size"),
        ("def load(w, d): raise OSError('no disk')", "OSError: no disk"),
        ("class A(Grey): zero_flag = 0\ndef load(w, d): return A()", "zero_flag must be 4095, got 0"),
        (
            "class A(Grey):\n def encode(self, f, reference=None): return [0]\ndef load(w, d): return A()",
            r"encode: ValueError: expected uint16 \(1, 256\), got list",
        ),
        (
            "class A(Grey):\n def encode(self, f, reference=None): return np.full((len(f), 256), 4095, np.uint16)\n"
            "def load(w, d): return A()",
            "encode: ValueError: expected tokens from 0 to 4094, got 4095",
        ),
        (
            "class A(Grey):\n def decode(self, t): return np.zeros((len(t), 256, 256, 3))\ndef load(w, d): return A()",
            r"decode: ValueError: expected uint8 \(1, 256, 256, 3\), got float64 \(1, 256",
        ),
    ],
)
def test_a_tokenizer_that_is_none_is_named(documented, tmp_path, code, message):
    (tmp_path / "odd.py").write_text(f"import numpy as np\nfrom my_resivid import Grey\n{code}\n")
    importlib.invalidate_caches()
    with pytest.raises(PluginError, match=f"tokenizer 'odd:load'(:|,) {message}"):
        tokenizer = load_tokenizer("odd:load")
        tokens = tokenizer.encode(np.zeros((1, 256, 256, 3), np.uint8))
        tokenizer.decode(tokens)


def test_a_codec_that_is_none_is_named(install):
    install(
        {"half/__init__.py": "", "half/codec.py": "OPTIONS = ()\nmake_settings = make_encoder = print\n"}, {}
    )
    with pytest.raises(
        PluginError, match="codec 'half.codec': module has no make_decoder, least_bits; docs/extending"
    ):
        load_codec("half.codec")
