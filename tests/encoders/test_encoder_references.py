"""Encoders against the libraries that their networks and weights come from, where installed."""

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

from milbench.errors import MissingEncoderError
from milbench.features.weights import download_weights
from milbench_encoders import conch, ctranspath, imagenet
from milbench_encoders.hub_vit import HubViT
from milbench_encoders.torchvision_shim import import_torchvision
from milbench_encoders.vit import PLAIN, TimmViT

MEAN, STD = (torch.tensor(v)[:, None, None] for v in (PLAIN.mean, PLAIN.std))
INSTALL = "is not installed: pip install 'milbench[encoders]'"


@pytest.fixture(scope="module")
def torchvision():
    try:
        import_torchvision()
    except MissingEncoderError:
        pytest.skip(f"torchvision {INSTALL}")
    return pytest.importorskip("torchvision")


@pytest.fixture(scope="module")
def timm(torchvision):
    return pytest.importorskip("timm", reason=f"timm {INSTALL}")


@pytest.fixture(scope="module")
def transformers(torchvision):
    return pytest.importorskip("transformers", reason=f"transformers {INSTALL}")


def settled(network):
    """Return the network with weights from a seed, statistics of batches included."""
    torch.manual_seed(1)
    for name, value in network.state_dict().items():
        if "running" in name:
            value.copy_(torch.rand(value.shape) + 0.5)
        elif value.is_floating_point():
            value.copy_(torch.randn(value.shape) * 0.05)
    return network.eval()


def normalised(tiles):
    return (torch.tensor(tiles) / 255 - MEAN) / STD


def saved(network, path):
    torch.save(network.state_dict(), path)
    return path


@torch.no_grad()
def test_truncated_resnet50_is_that_of_torchvision(torchvision, tiles, tmp_path):
    """Layers up to the third, then the mean over places, with the same weights."""
    whole = settled(torchvision.models.resnet50(weights=None))
    given = tiles(count=2, side=224)

    found = imagenet.resnet50(saved(whole, tmp_path / "w.pth"))(given)

    x = whole.maxpool(whole.relu(whole.bn1(whole.conv1(normalised(given)))))
    wanted = whole.layer3(whole.layer2(whole.layer1(x))).mean(dim=(2, 3))
    torch.testing.assert_close(torch.tensor(found), wanted, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_truncated_resnet50_is_that_of_timm(timm, tiles, tmp_path):
    """As CLAM's successors call it: ``features_only``, ``out_indices=[3]``, then a mean."""
    whole = settled(timm.create_model("resnet50", pretrained=False))
    parts = timm.create_model("resnet50", pretrained=False, features_only=True, out_indices=[3])
    parts.load_state_dict(whole.state_dict(), strict=False)
    given = tiles(count=1, side=224)

    found = imagenet.resnet50(saved(whole, tmp_path / "w.pth"))(given)

    wanted = parts.eval()(normalised(given))[0].mean(dim=(2, 3))
    torch.testing.assert_close(torch.tensor(found), wanted, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_resnet18_is_that_of_torchvision(torchvision, tiles, tmp_path):
    """The input of its classifier."""
    whole = settled(torchvision.models.resnet18(weights=None))
    path = saved(whole, tmp_path / "w.pth")
    whole.fc = torch.nn.Identity()
    given = tiles(count=2, side=224)

    torch.testing.assert_close(
        torch.tensor(imagenet.resnet18(path)(given)),
        whole(normalised(given)),
        rtol=1e-4,
        atol=1e-4,
    )


@torch.no_grad()
def test_a_transformer_of_timm_gives_its_class_token(timm, tiles, tmp_path):
    """What ``num_classes=0`` gives there, and the mean of the patches behind the registers."""
    options = {"depth": 1, "init_values": 1e-5, "reg_tokens": 3, "no_embed_class": True}
    whole = settled(timm.create_model("vit_tiny_patch16_224", num_classes=0, **options))
    path, given = saved(whole, tmp_path / "w.pth"), tiles(count=2, side=224)
    tokens = whole.forward_features(normalised(given))

    class_token = TimmViT("vit_tiny_patch16_224", options)(path)(given)
    both = TimmViT("vit_tiny_patch16_224", options, pooling="token+mean")(path)(given)

    close = {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(torch.tensor(class_token), whole(normalised(given)), **close)
    wanted = torch.cat([tokens[:, 0], tokens[:, 4:].mean(dim=1)], dim=1)
    torch.testing.assert_close(torch.tensor(both), wanted, **close)


@torch.no_grad()
def test_names_of_dinov2_are_translated(timm, tiles, tmp_path):
    """Its code saves a token for masks, which no encoder needs, beside the transformer."""
    options = {"depth": 1, "patch_size": 16}
    whole = settled(
        timm.create_model("vit_small_patch14_dinov2", img_size=224, num_classes=0, **options)
    )
    state = whole.state_dict() | {"mask_token": torch.zeros(1, 384)}
    torch.save(state, tmp_path / "w.pth")
    given = tiles(count=1, side=224)

    found = TimmViT("vit_small_patch14_dinov2", options, filtered=True)(tmp_path / "w.pth")(given)

    torch.testing.assert_close(torch.tensor(found), whole(normalised(given)), rtol=1e-3, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("family", ["ViT", "Dinov2", "Dinov2WithRegisters"])
def test_a_transformer_of_transformers_gives_its_class_token(transformers, tiles, tmp_path, family):
    """With the positions of larger images than ours, which the file holds."""
    size = 224 if family == "ViT" else 280
    options = {
        "hidden_size": 48,
        "num_hidden_layers": 1,
        "num_attention_heads": 3,
        "patch_size": 14,
    }
    configuration = getattr(transformers, f"{family}Config")(**options, image_size=size)
    whole = settled(getattr(transformers, f"{family}Model")(configuration))
    path, given = saved(whole, tmp_path / "w.pth"), tiles(count=2, side=224)

    found = HubViT(family, options | {"image_size": 224})(path)(given)

    wanted = whole(pixel_values=normalised(given)).last_hidden_state[:, 0]
    torch.testing.assert_close(torch.tensor(found), wanted, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_ctranspath_takes_a_file_of_its_authors(timm, tiles, tmp_path):
    """Names of timm 0.5 inside ``model``, with masks; features are those of the same network."""
    network = settled(ctranspath.swin())
    old = {
        re.sub(r"layers\.(\d)\.down", lambda m: f"layers.{int(m[1]) - 1}.down", name): value
        for name, value in network.state_dict().items()
    }
    old["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
    torch.save({"model": old}, tmp_path / "ctranspath.pth")
    given = tiles(count=1, side=224)

    found = ctranspath.ctranspath(tmp_path / "ctranspath.pth")(given)

    assert found.shape == (1, 768)
    wanted = network(normalised(given))
    torch.testing.assert_close(torch.tensor(found), wanted, rtol=1e-3, atol=1e-4)


def test_torchvision_is_imported_beside_any_torch(torchvision):
    """In a fresh process timm can be imported afterwards, and a second call does nothing."""
    script = (
        "from milbench_encoders.torchvision_shim import import_torchvision as f; f(); f(); "
        "import torchvision.transforms, torchvision.models; print('imported')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False
    )

    assert done.stdout == "imported\n", done.stderr


def test_conch_without_its_package_says_what_to_install(tmp_path):
    """The line, and the licence that it comes with."""
    with pytest.raises(
        MissingEncoderError, match=r"CC-BY-NC-ND.*pip install 'git\+https://.*CONCH"
    ):
        conch.conch(tmp_path / "weights.bin")


def test_without_a_network_the_hub_is_named(record, tmp_path, monkeypatch):
    """What cannot be got, from where, and how to get it by hand."""
    pytest.importorskip("huggingface_hub", reason=f"huggingface-hub {INSTALL}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(MissingEncoderError) as found:
        download_weights(record("phikon-v2"))

    for part in ("model.safetensors cannot be downloaded from", "owkin/phikon-v2", "by hand"):
        assert part in str(found.value)


def test_without_the_hubs_client_its_extra_is_named(record):
    """Or how to get the file without it."""
    if find_spec("huggingface_hub") is not None:
        pytest.skip("huggingface-hub is installed")

    with pytest.raises(MissingEncoderError, match=r"milbench\[encoders\].*by hand"):
        download_weights(record("uni"))
