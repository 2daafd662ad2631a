# SPDX-License-Identifier: GPL-3.0-or-later
"""TiTok's networks against a second forward pass, written from torch's own layers and the published description."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from gnuradio.resivid.models.tokenizers import titok_networks  # noqa: E402
from gnuradio.resivid.models.tokenizers.maskgit_vqgan import PixelDecoder  # noqa: E402
from gnuradio.resivid.models.tokenizers.titok import network_of  # noqa: E402
from gnuradio.resivid.models.tokenizers.titok_networks import Titok, TitokConfig  # noqa: E402
from titok_files import random_state, small_shapes  # noqa: E402

SMALL = {"num_tokens": 6, "grid": 4, "num_codes": 50, "encoder_width": 64, "encoder_layers": 1}
SMALL |= {"decoder_width": 64, "decoder_layers": 1, "pixel_codes": 24, "pixel_dim": 32, "pixel_width": 32}


@pytest.fixture(scope="module", params=[True, False], ids=["legacy", "later"])
def case(request, tmp_path_factory):
    state = random_state(small_shapes(request.param))
    return request.param, state, network_of(state, tmp_path_factory.getbasetemp() / "w.bin")


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(5))


def part(state, prefix):
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def transformer(state, x):
    """All layers of one side by torch's own layer with the normalisation first, and the norms around them."""
    width = x.shape[-1]
    x = F.layer_norm(x, [width], state["ln_pre.weight"], state["ln_pre.bias"])
    for i in range(2):
        layer = torch.nn.TransformerEncoderLayer(
            width, width // 64, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        ).eval()
        names = {"attn": "self_attn", "mlp.c_fc": "linear1", "mlp.c_proj": "linear2", "ln_": "norm"}
        own = part(state, f"transformer.{i}.")
        for ours, theirs in names.items():
            own = {key.replace(ours, theirs, 1) if key.startswith(ours) else key: v for key, v in own.items()}
        layer.load_state_dict(own)
        x = layer(x)
    return F.layer_norm(x, [width], state["ln_post.weight"], state["ln_post.bias"])


def encoded(state, pictures, legacy):
    """Vectors (n, L, code_dim) before the codebook, unscaled."""
    e = part(state, "encoder.")
    n, width, tokens = len(pictures), *reversed(state["latent_tokens"].shape)
    x = F.conv2d(pictures, e["patch_embed.weight"], e["patch_embed.bias"], stride=16)
    places = [x[:, :, r, c] for r in range(4) for c in range(4)]
    x = torch.stack([e["class_embedding"].expand(n, width), *places], 1) + e["positional_embedding"]
    latents = (state["latent_tokens"] + e["latent_token_positional_embedding"]).expand(n, -1, -1)
    x = transformer(e, torch.cat([x, latents], 1))[:, 17:]
    if legacy:  # the numbers of the latents in a row, read as channels of `tokens` places
        x = torch.stack([row.flatten().view(width, tokens) for row in x])
    else:
        x = x.permute(0, 2, 1)
    matrix = e["conv_out.weight"][:, :, 0, 0]
    return torch.einsum("dw,nwl->nld", matrix, x) + e["conv_out.bias"]


def residual(state, x):
    y = F.group_norm(x, 32, state["norm1.weight"], state["norm1.bias"], 1e-6)
    y = F.conv2d(y * y.sigmoid(), state["conv1.weight"], padding="same")
    y = F.group_norm(y, 32, state["norm2.weight"], state["norm2.bias"], 1e-6)
    y = F.conv2d(y * y.sigmoid(), state["conv2.weight"], padding="same")
    if "nin_shortcut.weight" in state:
        return y + F.conv2d(y, state["nin_shortcut.weight"])  # the published network's own slip
    return y + x


def vqgan(state, x):
    x = F.conv2d(x, state["conv_in.weight"], state["conv_in.bias"], padding="same")
    for i in range(2):
        x = residual(part(state, f"mid.{i}."), x)
    for level in (4, 3, 2, 1, 0):
        for i in range(2):
            x = residual(part(state, f"up.{level}.block.{i}."), x)
        if level:
            up = part(state, f"up.{level}.upsample_conv.")
            x = F.conv2d(
                x.repeat_interleave(2, 2).repeat_interleave(2, 3), up["weight"], up["bias"], padding=1
            )
    x = F.group_norm(x, 32, state["norm_out.weight"], state["norm_out.bias"], 1e-6)
    return F.conv2d(x * x.sigmoid(), state["conv_out.weight"], state["conv_out.bias"], padding="same")


def decoded(state, vectors, legacy):
    """RGB from (n, l, code_dim)."""
    d = part(state, "decoder.")
    n, length, _ = vectors.shape
    width = d["mask_token"].shape[-1]
    x = F.linear(vectors, d["decoder_embed.weight"], d["decoder_embed.bias"])
    for i in range(length):
        x[:, i] += d["latent_token_positional_embedding"][i]
    places = torch.cat([d["class_embedding"][None], d["mask_token"].expand(1, 16, -1)], 1)
    places = (places + d["positional_embedding"]).expand(n, -1, -1)
    x = transformer(d, torch.cat([places, x], 1))[:, 1:17]
    x = x.permute(0, 2, 1).reshape(n, width, 4, 4)
    x = F.conv2d(x, d["ffn.0.weight"], d["ffn.0.bias"])
    if legacy:
        logits = F.conv2d(torch.tanh(x), d["ffn.2.weight"], d["ffn.2.bias"]).permute(0, 2, 3, 1)
        share = torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True)
        book = state["pixel_quantize.embedding.weight"]
        mean = sum(share[..., i, None] * book[i] for i in range(len(book)))
        return vqgan(part(state, "pixel_decoder."), mean.permute(0, 3, 1, 2))
    pixels = torch.zeros(n, 3, 64, 64)
    for r, c in np.ndindex(4, 4):
        patch = x[:, :, r, c].view(n, 16, 16, 3)  # rows, columns, colours
        pixels[:, :, 16 * r : 16 * r + 16, 16 * c : 16 * c + 16] = patch.permute(0, 3, 1, 2)
    return F.conv2d(pixels, d["conv_out.weight"], d["conv_out.bias"], padding=1)


@torch.no_grad()
def test_latents_are_those_of_the_second_forward_pass(case, pictures):
    legacy, state, network = case
    wanted = encoded(state, pictures, legacy)
    other = encoded(state, pictures, not legacy)
    assert not torch.allclose(wanted, other, atol=0.1)  # the reading of the latents matters
    if legacy:
        wanted = wanted / wanted.square().sum(-1, keepdim=True).sqrt()
    assert torch.allclose(network.latents(pictures), wanted, atol=1e-5)


@torch.no_grad()
def test_codes_have_length_one_in_the_first_checkpoints_alone(case):
    legacy, state, network = case
    book = state["quantize.embedding.weight"]
    wanted = book / book.square().sum(1, keepdim=True).sqrt() if legacy else book
    assert torch.allclose(network.codes(), wanted, atol=1e-6)


@pytest.mark.parametrize("length", [0, 1, 4, 6])
@torch.no_grad()
def test_pictures_of_a_prefix_are_those_of_the_second_forward_pass(case, length):
    legacy, state, network = case
    vectors = network.codes()[torch.arange(2 * length).view(2, length)]
    wanted = decoded(state, vectors, legacy)
    shown = network.pictures(vectors)
    assert shown.shape == (2, 3, 64, 64)
    assert torch.allclose(shown, wanted, atol=2e-4 * float(wanted.abs().max()))
    padded = network.pictures(F.pad(vectors, (0, 0, 0, 6 - length)))
    assert length == 6 or not torch.allclose(shown, padded, atol=1e-3)  # cut off is not the same as zero


@torch.no_grad()
def test_attention_is_torchs():
    torch.manual_seed(1)
    ours, theirs = titok_networks.Attention(192), torch.nn.MultiheadAttention(192, 3, batch_first=True)
    torch.nn.init.normal_(ours.in_proj_bias)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 7, 192)
    assert torch.allclose(ours(x), theirs(x, x, x, need_weights=True)[0], atol=1e-5)


@torch.no_grad()
def test_pixel_decoder_of_the_published_size():
    decoder = PixelDecoder().eval()
    # 256 channels of 2x2 places: 16 times the side
    assert decoder(torch.zeros(1, 256, 2, 2)).shape == (1, 3, 32, 32)
    # convolutions of its levels, counted by hand from channels 512, 512, 256, 256, 128, 128 (coarse to fine)
    kernels = 256 * 512 + 4 * 512**2  # first, middle
    kernels += 4 * 512**2 + 512 * 256 + 3 * 256**2 + 4 * 256**2 + 256 * 128 + 3 * 128**2 + 4 * 128**2
    kernels += 512**2 + 256**2 + 256**2 + 128**2  # after each doubling
    kernels += 128 * 3
    shortcuts = 256**2 + 128**2
    weights = sum(p.numel() for p in decoder.parameters() if p.dim() == 4)
    assert weights == 9 * kernels + shortcuts


@pytest.mark.parametrize("head, patch", [("vqgan", 16), ("linear", 8)])
def test_a_step_from_random_weights_reaches_every_parameter(head, patch):
    torch.manual_seed(2)
    network = Titok(TitokConfig(**SMALL, head=head, patch=patch, permute=True))
    pictures = torch.rand(1, 3, network.config.size, network.config.size)
    latents, codes = network.latents(pictures), network.codes()
    assert torch.allclose(latents.square().sum(-1), torch.ones(1, 6), atol=1e-5)
    tokens = (latents @ codes.T).argmax(-1)
    vectors = codes[tokens]
    loss = (network.pictures(latents + (vectors - latents).detach()) - pictures).square().mean()
    (loss + (vectors - latents).square().mean()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_tokens": 512}, "num_tokens must be 1 to 511, got 512"),
        ({"encoder_width": 500}, "encoder_width must be a multiple of 64, got 500"),
        ({"pixel_width": 48}, "pixel_width must be a multiple of 32, got 48"),
        ({"patch": 8}, "patch must be 16 with the vqgan head, got 8"),
        ({"decoder_layers": 0}, "decoder_layers must be 1 to 48, got 0"),
    ],
)
def test_impossible_layouts_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        TitokConfig(**change)
