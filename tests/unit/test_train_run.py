# SPDX-License-Identifier: GPL-3.0-or-later
"""Training runs: resuming to the bit, ending cleanly, two processes, and machines without decoders."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from gnuradio import resivid
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import FormatError, ResividError, SettingsError
from gnuradio.resivid.models.tokenizers.moving_state import GRIDS
from gnuradio.resivid.models.tokenizers.multiscale import load
from gnuradio.resivid.models.weight_files import read_metadata
from gnuradio.resivid.train import data as training_data
from gnuradio.resivid.train import prepared
from gnuradio.resivid.train.config import from_mapping, read_yaml
from gnuradio.resivid.train.crops import PictureBank
from gnuradio.resivid.train.discriminator import balanced_gradient
from gnuradio.resivid.train.distributed import Workers
from gnuradio.resivid.train.loop_states import STATE_SHAPES, LoopStates
from gnuradio.resivid.train.losses import PictureLoss, random_view
from gnuradio.resivid.train.settings import LossWeights, TokenizerTraining
from gnuradio.resivid.train.tokenizer import train
from gnuradio.resivid.train.tokenizer_run import TokenizerRun
from train_files import SMALL, config_file, picture, picture_folder


def settings_of(path: Path) -> TokenizerTraining:
    return from_mapping(TokenizerTraining, read_yaml(path), str(path))


def checkpoint(folder: Path) -> dict:
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def test_resumed_run_equals_uninterrupted_to_the_bit(tmp_path, monkeypatch):
    monkeypatch.setattr("gnuradio.resivid.train.run._CRITIC_AHEAD", 1)
    settings = settings_of(
        config_file(
            tmp_path, "steps: 5\nloop_refresh_steps: 3\n", "l2: 1, adversarial: 0.1, adversarial_from: 0.3"
        )
    )
    whole = train(settings, tmp_path / "whole")
    for limit in (2, 1, None):
        train(settings, tmp_path / "parts", step_limit=limit)
    a, b = checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "parts")
    assert a["step"] == b["step"] == whole.step == 5
    assert a["generators"] == b["generators"]
    for part in ("network", "average", "discriminator"):
        assert all(torch.equal(a[part][name], b[part][name]) for name in a[part])
    assert not torch.equal(
        a["network"]["head.1.weight"], load(settings.start).network.state_dict()["head.1.weight"]
    )
    with (tmp_path / "parts" / "checks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["tokens"] for row in rows] == ["16", "41", "82", "149", "277", "405", "loop"]
    assert len(list((tmp_path / "parts" / "sheets").glob("*.png"))) == 2
    assert load(tmp_path / "parts" / "best.safetensors").network.config == SMALL
    assert settings_of(tmp_path / "parts" / "config.yaml") == settings
    assert (tmp_path / "parts" / "curves.csv").read_text().count("\n5,") == 1


def test_checkpoint_of_an_earlier_version_goes_on(tmp_path):
    settings = settings_of(config_file(tmp_path, "steps: 3\nloop_share: 0\n"))
    train(settings, tmp_path / "run", step_limit=1)
    old = checkpoint(tmp_path / "run")
    for key in ("best", "generators"):
        del old[key]
    torch.save(old, tmp_path / "run" / "checkpoint.pt")
    assert train(settings, tmp_path / "run").step == 3


def test_time_limit_ends_before_the_first_step(tmp_path):
    settings = settings_of(config_file(tmp_path))
    assert train(settings, tmp_path / "run", time_limit=0).step == 0
    assert checkpoint(tmp_path / "run")["step"] == 0
    metadata = read_metadata(tmp_path / "run" / "multiscale.safetensors")
    assert str(tmp_path) not in str(metadata)  # folders of this machine are nobody else's business
    assert json.loads(metadata["training"])["data"] == settings.data.name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_after_the_step_with_a_checkpoint(tmp_path, monkeypatch, capsys, number):
    config = config_file(tmp_path, "steps: 100\nloop_share: 0\n")
    step = TokenizerRun.train_step

    def with_signal(run, *arguments):
        if run.step == 1:
            os.kill(os.getpid(), number)
        return step(run, *arguments)

    monkeypatch.setattr(TokenizerRun, "train_step", with_signal)
    assert main(["train", "tokenizer", "--config", str(config), "-o", str(tmp_path / "run")]) == 1
    assert "interrupted" in capsys.readouterr().err
    assert checkpoint(tmp_path / "run")["step"] == 2


def test_mistakes_are_one_line(tmp_path, monkeypatch):
    settings = settings_of(config_file(tmp_path, "steps: 2\nloop_share: 0\n"))
    run = tmp_path / "run"
    train(settings, run, step_limit=0)
    other = from_mapping(TokenizerTraining, {**read_yaml(tmp_path / "run.yaml"), "network": {}}, "x")
    kept = (run / "config.yaml").read_text()
    with pytest.raises(SettingsError, match="checkpoint.pt: its network has other widths"):
        train(other, run)
    assert (run / "config.yaml").read_text() == kept  # the run can still go on

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(TokenizerRun, "train_step", full)
        with pytest.raises(ResividError, match=r"out of memory: lower batch \(3\) or crop \(32\)"):
            train(settings, run)
    with monkeypatch.context() as patch:
        patch.setattr(
            TokenizerRun,
            "train_step",
            lambda run, *_: setattr(run, "step", 2) or {"loss": torch.tensor(np.nan)},
        )
        with pytest.raises(ResividError, match="no number at step 2: lower rate"):
            train(settings, run)
    assert checkpoint(run)["step"] == 0  # the last good one
    (run / "checkpoint.pt").write_bytes(b"PK broken")
    with pytest.raises(FormatError, match="checkpoint.pt: no readable checkpoint"):
        train(settings, run)


NAME_THREADS = """
import atexit, sys
from pathlib import Path
from gnuradio.resivid.cli.main import main

def say():
    print("left:", *(path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")), file=sys.stderr)

atexit.register(say)
sys.exit(main())
"""


def test_two_processes_average_their_gradients(tmp_path):
    """The first step's momentum is a tenth of the gradient over both processes' batches.

    Threads of their group that live on when the interpreter ends abort the process now and then.
    """
    config = config_file(tmp_path, "steps: 1\nloop_share: 0\n")
    script = tmp_path / "named.py"
    script.write_text(NAME_THREADS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [str(script), "train", "tokenizer", "--config", str(config)]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("left:") == 2 and "gloo" not in done.stderr
    settings = settings_of(config)
    pictures = training_data.load(settings.data).pictures
    start = load(settings.start)
    cpu = torch.device("cpu")
    runs = [
        TokenizerRun(settings, start.codebooks, Workers(i, 1, cpu), start.network.float()) for i in range(2)
    ]
    bank = PictureBank(pictures)
    ycc, freshness, target = (torch.cat(part) for part in zip(*(r.batch(bank) for r in runs), strict=True))
    network = runs[0].network
    (4 * (network(ycc, freshness) - target).abs().mean()).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    momenta = [state["exp_avg"] for state in checkpoint(tmp_path / "run")["optimiser"]["state"].values()]
    for parameter, momentum in zip(network.parameters(), momenta, strict=True):
        assert torch.allclose(momentum, 0.1 * parameter.grad, rtol=1e-3, atol=1e-6)


def test_a_step_stays_on_its_device(monkeypatch):
    """Torch's device "meta" computes shapes alone and refuses operands from the CPU, as a GPU would."""
    monkeypatch.setattr("gnuradio.resivid.train.run._CRITIC_AHEAD", 1)
    losses = LossWeights(l2=1, vgg=0, lpips=0, adversarial=0.1, adversarial_from=0)
    settings = TokenizerTraining(batch=4, crop=64, precision="fp32", network=SMALL, losses=losses)
    run = TokenizerRun(settings, [torch.zeros(40, 48) for _ in GRIDS], Workers(0, 1, torch.device("meta")))
    run.loop_states = LoopStates(
        *(torch.zeros((5, *shape), dtype=kind) for shape, kind in STATE_SHAPES.values())
    ).to("meta")
    batch = run.batch(PictureBank([picture(0), picture(1)]).to("meta"))
    assert [tuple(t.shape) for t in batch] == [(4, 3, 32, 32), (4, 6, 8, 8), (4, 3, 64, 64)]
    assert set(run.train_step(batch, PictureLoss(losses))) == {"loss", "l1", "l2", "discriminator"}
    terms = run.train_step(batch, PictureLoss(losses))
    assert set(terms) == {"loss", "l1", "l2", "adversarial", "discriminator"}
    assert {t.device.type for t in (*batch, *terms.values())} == {"meta"}
    with pytest.raises(RuntimeError, match="meta"):
        run.train_step(
            (batch[0], batch[1].new_zeros(4, 6, 8, 8, device="cpu"), batch[2]), PictureLoss(losses)
        )


def test_trains_from_prepared_shards_without_decoders(tmp_path):
    """The package alone, where GNU Radio, OpenCV, PyAV, Pillow and more are missing."""
    config = config_file(tmp_path, "steps: 2\nloop_share: 0.0\n")
    prepared.write(training_data.load(picture_folder(tmp_path / "p")), tmp_path / "shards")
    absent = ("gnuradio", "pmt", "cv2", "av", "PIL", "scipy", "skimage", "matplotlib", "typer", "pydantic")
    code = (
        "import sys, importlib.abc, importlib, pkgutil\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {absent!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        f"sys.path.insert(0, {str(Path(resivid.__path__[0]).parent)!r})\n"
        "import resivid.train\n"
        "for module in pkgutil.walk_packages(resivid.train.__path__, 'resivid.train.'):\n"
        "    importlib.import_module(module.name)\n"
        "from resivid.train.config import from_mapping, read_yaml\n"
        "from resivid.train.settings import TokenizerTraining\n"
        "from resivid.train.tokenizer import train\n"
        "from pathlib import Path\n"
        f"raw = read_yaml(Path({str(config)!r})) | {{'data': {str(tmp_path / 'shards')!r}}}\n"
        f"train(from_mapping(TokenizerTraining, raw, 'x'), Path({str(tmp_path / 'run')!r}))\n"
    )
    # find_spec of the standard machinery answers for `has_opencv`, so the blocked names must look uninstalled too
    code = code.replace("sys.meta_path.insert(0, Absent())\n", "sys.meta_path.insert(0, Absent())\n" + HIDE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/", timeout=300)
    assert done.returncode == 0, done.stderr
    assert checkpoint(tmp_path / "run")["step"] == 2


HIDE = (
    "import importlib.util\n"
    "real = importlib.util.find_spec\n"
    "def find_spec(name, package=None):\n"
    "    try: return real(name, package)\n"
    "    except ModuleNotFoundError: return None\n"
    "importlib.util.find_spec = find_spec\n"
)


def test_balanced_gradient_adds_a_share_of_the_losss_own_length():
    output = torch.tensor([3.0, 4.0, 0.0], requires_grad=True)
    loss, adversarial = output[0] * 2 + output[1], 7e3 * output[2]
    gradient = balanced_gradient(output, loss, adversarial, 0.5)
    assert torch.allclose(gradient, torch.tensor([2.0, 1.0, 0.5 * 5**0.5]))
    assert torch.equal(balanced_gradient(output, loss, 0 * output.sum(), 0.5), torch.tensor([2.0, 1.0, 0.0]))


def test_random_views_show_the_same_place_of_both_pictures():
    grid = torch.arange(64 * 64, dtype=torch.float32).view(1, 1, 64, 64)
    shapes, corners = set(), set()
    for seed in range(400):
        a, b = random_view(grid, 2 * grid, np.random.default_rng(seed))
        assert torch.allclose(2 * a, b, rtol=1e-5)
        shapes.add(tuple(a.shape[-2:]))
        if a.shape[-2:] == (56, 56):
            y, x = divmod(int(a[0, 0, 0, 0]), 64)
            assert torch.equal(a, grid[..., y : y + 56, x : x + 56])
            corners.add((y, x))
    assert {y for y, _ in corners} == {x for _, x in corners} == set(range(9))
    assert min(shapes) >= (33, 33) and max(shapes) <= (68, 68) and len(shapes) > 10
