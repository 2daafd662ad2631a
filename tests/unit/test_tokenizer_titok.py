# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokenizer `titok`: published layouts, files, tokens, prefixes and what is refused."""

import json
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from gnuradio.resivid.errors import WeightsError  # noqa: E402
from gnuradio.resivid.models.registry import load_tokenizer  # noqa: E402
from gnuradio.resivid.models.tokenizers import titok  # noqa: E402
from gnuradio.resivid.models.tokenizers.base import ZERO_FLAG  # noqa: E402
from gnuradio.resivid.models.tokenizers.titok_networks import Titok, TitokConfig  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from titok_files import PUBLISHED, published_shapes, random_state, small_shapes  # noqa: E402


@pytest.fixture(params=[True, False], ids=["legacy", "later"])
def state(request):
    return random_state(small_shapes(request.param))


@pytest.fixture()
def weights(state, tmp_path):
    torch.save(state, tmp_path / "published.bin")
    return tmp_path / "published.bin"


@pytest.fixture()
def tokenizer(weights):
    return titok.load(weights)


@pytest.fixture()
def frames():
    return np.random.default_rng(3).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_layout_is_used_to_the_last_tensor(name, tmp_path):
    # every tensor repeats one number: exact names and shapes without the memory
    state = {key: torch.zeros(1).expand(shape) for key, shape in published_shapes(name).items()}
    network = titok.network_of(state, tmp_path / name)
    held = network.state_dict()
    assert held.keys() == state.keys()
    assert all(held[key].data_ptr() == state[key].data_ptr() for key in state)
    assert (network.config.size, network.config.num_tokens) == (256, PUBLISHED[name][2])
    legacy = PUBLISHED[name][3]
    assert (network.config.head == "vqgan", network.config.permute, network.config.unit_codes) == (
        legacy,
        not legacy,
        legacy,
    )


def test_a_published_size_runs_from_its_file(tmp_path):
    state = random_state(published_shapes("TiTok-S-128"))
    save_file({key: value.half() for key, value in state.items()}, tmp_path / "model.safetensors")
    tokenizer = load_tokenizer("titok", tmp_path / "model.safetensors")
    frames = np.random.default_rng(1).integers(0, 256, (1, 256, 256, 3), dtype=np.uint8)
    tokens = tokenizer.encode(frames)
    assert tokens.shape == (1, 128) and tokens.dtype == np.uint16 and tokens.max() < ZERO_FLAG
    assert tokenizer.decode(tokens[:, :40]).shape == (1, 256, 256, 3)
    assert list(tokenizer.weights_sha256) == ["model.safetensors"]


def test_imported_and_published_files_give_the_same_tokens_and_pictures(weights, tmp_path, frames):
    published = titok.load(weights)
    titok.save(
        tmp_path / "own.safetensors",
        titok.network_of(torch.load(weights, weights_only=True), weights),
    )
    own = titok.load(tmp_path / "own.safetensors")
    tokens = published.encode(frames)
    assert np.array_equal(own.encode(frames), tokens)
    assert np.array_equal(own.decode(tokens), published.decode(tokens))


def test_own_weights_remember_what_shapes_do_not_say(tmp_path):
    config = TitokConfig(
        **{"num_tokens": 6, "grid": 2, "encoder_width": 64, "encoder_layers": 1, "num_codes": 20},
        **{"decoder_width": 64, "decoder_layers": 1, "pixel_codes": 24, "pixel_dim": 32, "pixel_width": 32},
        permute=True,
    )
    titok.save(tmp_path / "own.safetensors", Titok(config))
    assert titok.load(tmp_path / "own.safetensors").network.config == config


def test_frame_by_frame_equals_all_at_once(tokenizer, frames):
    tokens = tokenizer.encode(frames)
    pictures = tokenizer.decode(tokens)
    for i in range(len(frames)):
        assert np.array_equal(tokenizer.encode(frames[i : i + 1])[0], tokens[i])
        assert np.array_equal(tokenizer.decode(tokens[i : i + 1])[0], pictures[i])


def test_pictures_go_in_and_come_out_between_0_and_1(tokenizer, frames, monkeypatch):
    seen = []

    def latents(pictures):
        seen.append(pictures.float())
        return torch.zeros(1, 6, 12)

    monkeypatch.setattr(tokenizer.network, "latents", latents)
    tokenizer.encode(frames[:1])
    assert torch.allclose(seen[0][0], torch.from_numpy(frames[0] / 255.0).permute(2, 0, 1).float(), atol=4e-3)
    ramp = torch.linspace(-0.5, 1.5, 3 * 64 * 64).view(1, 3, 64, 64)
    monkeypatch.setattr(tokenizer.network, "pictures", lambda vectors: ramp)
    shown = tokenizer.decode(np.zeros((1, 6), np.uint16))[0]
    assert np.array_equal(shown, np.rint(np.clip(ramp[0].permute(1, 2, 0).numpy(), 0, 1) * 255))


@pytest.mark.parametrize("length", [0, 1, 5, 6])
def test_a_prefix_is_the_whole_with_zero_flags(tokenizer, frames, length):
    tokens = tokenizer.encode(frames[:1])
    flagged = tokens.copy()
    flagged[:, length:] = ZERO_FLAG
    assert np.array_equal(tokenizer.decode(tokens[:, :length]), tokenizer.decode(flagged))


def test_missing_tokens_are_zero_vectors_up_to_the_last_present_one():
    codes = torch.arange(1.0, 9.0).view(4, 2)
    gathered = titok.gather_codes(torch.tensor([2, ZERO_FLAG, 4, 0, ZERO_FLAG]), codes)
    assert gathered.tolist() == [[5, 6], [0, 0], [0, 0], [1, 2]]  # 4 is beyond the codebook
    assert titok.gather_codes(torch.tensor([ZERO_FLAG] * 3), codes).shape == (0, 2)


def test_the_reserved_code_is_never_chosen(tmp_path, caplog):
    """The latent of a full codebook lies on code 4095; the second nearest is the one that is sent."""
    state = random_state(small_shapes(True, book=(4096, 12)))
    network = titok.network_of(state, tmp_path)
    tokenizer = titok.TitokTokenizer(network, dtype=torch.float32)
    codes = network.codes()
    nearest = (codes[:-1] - codes[-1]).square().sum(1).argmin()
    assert titok.nearest_codes(codes[-1:], tokenizer.codes).tolist() == [nearest]
    assert len(tokenizer.codes) == ZERO_FLAG and caplog.text == ""


def test_a_larger_codebook_is_cut_and_said_so(tmp_path, caplog):
    state = random_state(small_shapes(False, book=(8192, 64)))
    tokenizer = titok.TitokTokenizer(titok.network_of(state, tmp_path))
    assert len(tokenizer.codes) == ZERO_FLAG
    assert "of 8192 codes the first 4095 fit 12 bits" in caplog.text


@pytest.mark.parametrize(("margin", "kept"), [(0.0, False), (0.29, False), (0.31, True)])
def test_an_old_code_stays_while_it_is_nearly_as_near(margin, kept):
    # squared distances to codes 0 and 1: 1.0 and 1.3 for the first latent, 1.0 and 9.0 for the second
    codes = torch.tensor([[1.0, 0.0], [0.0, 1.3**0.5]])
    latents = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    old = torch.tensor([1, ZERO_FLAG])
    assert titok.nearest_codes(latents, codes, old, margin).tolist() == [int(kept), 0]


def test_reference_tokens_stay_where_the_picture_stays(tokenizer, frames):
    tokens = tokenizer.encode(frames)
    assert np.array_equal(tokenizer.encode(frames, tokens), tokens)
    missing = np.full_like(tokens, ZERO_FLAG)
    assert np.array_equal(tokenizer.encode(frames, missing), tokens)


@pytest.mark.parametrize("shape", [(1, 32, 64, 3), (64, 64, 3)])
def test_wrong_frames_are_refused(tokenizer, shape):
    with pytest.raises(ValueError, match=r"frames must be uint8 \(n, 64, 64, 3\)"):
        tokenizer.encode(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("tokens", [np.zeros((1, 7), np.uint16), np.zeros((1, 6), np.int64)])
def test_wrong_tokens_are_refused(tokenizer, tokens):
    with pytest.raises(ValueError, match=r"tokens must be uint16 \(n, 0\.\.6\)"):
        tokenizer.decode(tokens)


MISTAKES = {
    "another network": (
        lambda s: s.clear() or s.update(weight=torch.ones(2)),
        "not a TiTok.*latent_tokens is",
    ),
    "no codebook": (
        lambda s: s.pop("quantize.embedding.weight"),
        "not a TiTok.*quantize.embedding.weight is",
    ),
    "missing": (
        lambda s: s.pop("encoder.transformer.1.mlp.c_fc.bias"),
        "transformer.1.mlp.c_fc.bias is missing",
    ),
    "missing layer": (
        lambda s: [s.pop(k) for k in list(s) if k.startswith("encoder.transformer.0.")],
        "encoder.transformer.0.* is missing",
    ),
    "left over": (lambda s: s.update({"decoder.text": torch.ones(1)}), "decoder.text is not part of it"),
    "shape": (lambda s: s.update({"decoder.ln_pre.bias": torch.ones(3)}), r"ln_pre.bias has shape \(3,\)"),
    "dimensions": (lambda s: s.update(latent_tokens=torch.ones(3)), r"latent_tokens has shape \(3,\)"),
    "empty": (lambda s: s.update(latent_tokens=torch.ones(0, 64)), r"latent_tokens has shape \(0, 64\)"),
    "too many": (
        lambda s: s.update(latent_tokens=torch.ones(600, 64)),
        "num_tokens must be 1 to 511, got 600",
    ),
    "layers": (
        lambda s: s.update({"encoder.transformer.9999.ln_1.bias": torch.ones(64)}),
        "encoder_layers must be 1 to 48, got 10000",
    ),
    "NaN": (lambda s: s["decoder.mask_token"].fill_(torch.nan), "decoder.mask_token holds .* no finite"),
    "claim": (
        lambda s: s.update(latent_tokens=torch.ones(1, dtype=torch.half).expand(10**9, 64)),
        "latent_tokens claims 64000000000 values",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_wrong_checkpoints_are_one_line(state, tmp_path, name):
    change, message = MISTAKES[name]
    change(state)
    torch.save(state, tmp_path / "wrong.bin")
    with pytest.raises(WeightsError, match=message) as caught:
        titok.load(tmp_path / "wrong.bin")
    assert "\n" not in str(caught.value) and str(caught.value).count("wrong.bin") == 1


@pytest.mark.parametrize("stage", ["first training stage", "autoencoder without a codebook"])
def test_relatives_without_discrete_codes_or_pixels_are_named(tmp_path, stage):
    state = random_state(small_shapes(True))
    away = "pixel_" if stage.startswith("first") else "quantize"
    torch.save({key: value for key, value in state.items() if not key.startswith(away)}, tmp_path / "w.bin")
    with pytest.raises(WeightsError, match=f"{away}.* is missing"):
        titok.load(tmp_path / "w.bin")


@pytest.mark.parametrize(
    "config", ["", "[]", "{}", '{"permute": 2, "unit_codes": true}', '{"permute": {}, "unit_codes": []}']
)
def test_a_broken_configuration_is_one_line(tmp_path, config):
    path = tmp_path / "own.safetensors"
    save_file(random_state(small_shapes()), path, {"format": titok.FORMAT, "config": config})
    with pytest.raises(WeightsError, match="configuration"):
        titok.load(path)


def test_the_configuration_of_a_saved_file_is_plain_json(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "own.safetensors"
    titok.save(path, titok.network_of(random_state(small_shapes()), path))
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["config"]) == {"permute": False, "unit_codes": True}
    assert all(tensor.dtype == torch.float32 for tensor in load_file(path).values())


class Trap:
    """Runs code where pickle is trusted."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code ran')",)


@pytest.mark.parametrize("archive", [True, False], ids=["torch.save", "pickle"])
def test_a_checkpoint_with_code_in_it_is_refused(tmp_path, archive):
    path = tmp_path / "model.bin"
    content = {"latent_tokens": torch.ones(6, 64), "more": Trap()}
    if archive:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsError, match="plain weights .damaged, or code in it") as caught:
        titok.load(path)
    assert "\n" not in str(caught.value)
