# SPDX-License-Identifier: GPL-3.0-or-later
"""The multi-scale tokenizer: contract, weight files, and what its own weights reach."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from gnuradio.resivid.errors import WeightsError  # noqa: E402
from gnuradio.resivid.models.registry import load_tokenizer  # noqa: E402
from gnuradio.resivid.models.tokenizers import multiscale  # noqa: E402
from gnuradio.resivid.models.tokenizers.base import ZERO_FLAG  # noqa: E402
from gnuradio.resivid.models.tokenizers.moving_state import GRIDS, PictureState  # noqa: E402
from gnuradio.resivid.models.tokenizers.refiner import Refiner, RefinerConfig  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

SMALL = RefinerConfig(widths=(16, 16, 8, 8), blocks=(1, 1, 1, 1))


def small_parts(seed=0):
    torch.manual_seed(seed)
    return [0.1 * torch.randn(50, 48) for _ in GRIDS], Refiner(SMALL)


@pytest.fixture()
def weights(tmp_path):
    path = tmp_path / "multiscale.safetensors"
    multiscale.save(path, *small_parts(), {"steps": "0"})
    return path


@pytest.fixture()
def frames():
    return np.random.default_rng(2).integers(0, 256, (3, 256, 256, 3), dtype=np.uint8)


def test_saved_and_loaded_agree(weights, frames):
    loaded = multiscale.load(weights)
    tokens = loaded.encode(frames)
    assert tokens.shape == (3, 405) and tokens.dtype == np.uint16
    assert tokens.max() < 50
    assert loaded.decode(tokens).shape == (3, 256, 256, 3)
    assert not list(weights.parent.glob("*.part"))


def test_frame_by_frame_equals_all_at_once(weights, frames):
    tokenizer = multiscale.load(weights)
    tokens = tokenizer.encode(frames)
    pictures = tokenizer.decode(tokens)
    for i in range(len(frames)):
        assert np.array_equal(tokenizer.encode(frames[i : i + 1])[0], tokens[i])
        assert np.array_equal(tokenizer.decode(tokens[i : i + 1])[0], pictures[i])


@pytest.mark.parametrize("length", [0, 1, 80, 149, 404, 405])
def test_a_prefix_is_the_whole_with_zero_flags(weights, frames, length):
    tokenizer = multiscale.load(weights)
    tokens = tokenizer.encode(frames[:1])
    flagged = tokens.copy()
    flagged[:, length:] = ZERO_FLAG
    assert np.array_equal(tokenizer.decode(tokens[:, :length]), tokenizer.decode(flagged))


def test_reference_tokens_stay_where_the_picture_stays(weights, frames):
    tokenizer = multiscale.load(weights)
    tokens = tokenizer.encode(frames)
    assert np.array_equal(tokenizer.encode(frames, tokens), tokens)


def test_a_state_shows_the_picture_of_the_tokens_that_made_it(weights, frames):
    tokenizer = multiscale.load(weights)
    tokens = tokenizer.encode(frames[:1])
    tokens[:, 200:] = ZERO_FLAG
    ycc, freshness = multiscale.state_of_tokens(tokenizer.pyramid, torch.from_numpy(tokens.astype(np.int64)))
    state = PictureState(ycc[0], freshness[0])
    assert np.array_equal(tokenizer.picture(state), tokenizer.decode(tokens)[0])


def test_freshness_says_which_grids_have_tokens(weights, frames):
    """405 tokens stand on the grids 1, 2, 4, 8, 8, 16: the second 8 makes half of its grid's map."""
    tokenizer = multiscale.load(weights)
    tokens = torch.from_numpy(tokenizer.encode(frames[:1]).astype(np.int64))
    tokens[:, 1 + 4 + 16 + 64 :] = ZERO_FLAG
    _, freshness = multiscale.state_of_tokens(tokenizer.pyramid, tokens)
    assert freshness.shape == (1, 6, 32, 32)
    assert freshness.mean((0, 2, 3)).tolist() == [1.0, 1.0, 1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize("shape", [(1, 128, 256, 3), (256, 256, 3)])
def test_wrong_frames_are_refused(weights, shape):
    with pytest.raises(ValueError, match="frames must be uint8"):
        multiscale.load(weights).encode(np.zeros(shape, np.uint8))


def test_too_many_tokens_are_refused(weights):
    with pytest.raises(ValueError, match="tokens must be uint16"):
        multiscale.load(weights).decode(np.zeros((1, 406), np.uint16))


def broken(path, change):
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    metadata = change(tensors, metadata) or metadata
    save_file(tensors, path, metadata)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t, m: t.pop("codebook.2"), "codebook.2 is missing"),
        (lambda t, m: t.pop("decoder.stem.bias"), "stem.bias"),
        (lambda t, m: t.update(extra=torch.zeros(1)), "extra"),
        (lambda t, m: t.update({"decoder.stem.bias": torch.zeros(3)}), "stem.bias"),
        (lambda t, m: t.update({"codebook.32": torch.zeros(4096, 48)}), "codebook.32"),
        (lambda t, m: m.update(config="{}") or m, "configuration"),
        (lambda t, m: m.update(format="other") or m, "no weights of the multiscale"),
    ],
)
def test_wrong_weights_are_named_in_one_line(weights, change, message):
    def apply(tensors, metadata):
        result = change(tensors, metadata)
        return result if isinstance(result, dict) else None

    broken(weights, apply)
    with pytest.raises(WeightsError, match=message) as caught:
        multiscale.load(weights)
    assert "\n" not in str(caught.value)


def test_a_corrupt_file_is_refused(weights):
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(WeightsError, match="not a readable safetensors"):
        multiscale.load(weights)


def test_own_weights_show_a_photograph_better_with_each_level():
    """Photographs that are in no training set: those that scikit-image brings."""
    data = pytest.importorskip("skimage.data")
    transform = pytest.importorskip("skimage.transform")
    tokenizer = load_tokenizer("multiscale")
    pictures = []
    for picture in (data.astronaut(), data.coffee()[:, 100:500], data.chelsea()[:, 70:370]):
        small = transform.resize(picture, (256, 256), anti_aliasing=True)
        pictures.append((255 * small).astype(np.uint8))
    pictures = np.stack(pictures)
    tokens = tokenizer.encode(pictures)
    grey = 10 * np.log10(255**2 / np.mean((pictures - 128.0) ** 2))
    psnr = []
    for length in (1, 5, 21, 82, 149, 405):
        shown = tokenizer.decode(tokens[:, :length]).astype(float)
        psnr.append(10 * np.log10(255**2 / np.mean((shown - pictures) ** 2)))
    assert psnr == sorted(psnr)
    assert psnr[3] > grey + 3  # recognisable at 82 tokens
