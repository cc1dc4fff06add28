"""Weights from files: round trips, what is refused, where they are looked for."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from milbench import Weights
from milbench.errors import FeatureError, MissingEncoderError
from milbench.features.weights import find_weights, weights_hash
from milbench.nn.resnet import ResNet18
from milbench.nn.state import built, fill, read_state
from milbench.nn.vgg import VGG19
from milbench_encoders import imagenet


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No weights of the user are found by a test."""
    for name in ("MILBENCH_WEIGHTS", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


def drawn(network: nn.Module) -> nn.Module:
    """Return the network with other weights than a fresh one, its statistics included."""
    torch.manual_seed(3)
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape) * 0.1 + 0.01)
    return network.eval()


def whole(network: nn.Module, last: str, shape: tuple[int, int]) -> dict[str, torch.Tensor]:
    """Return a state_dict as torchvision saves it, with the last layer that encoders leave out."""
    more = {f"{last}weight": torch.zeros(shape), f"{last}bias": torch.zeros(shape[0])}
    return network.state_dict() | more


@pytest.mark.parametrize(
    ("name", "make", "dim"),
    [("resnet18", ResNet18, 512), ("resnet50", imagenet.TruncatedResNet50, 1024)],
)
def test_weights_of_a_file_are_those_of_the_encoder(name, make, dim, tiles, tmp_path):
    """The encoder gives what the network that was saved gives, on normalised tiles."""
    network = drawn(make())
    torch.save(whole(network, "fc.", (1000, dim)), tmp_path / "saved.pth")
    given = tiles(count=2, side=224)
    mean, std = (
        torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )

    found = getattr(imagenet, name)(tmp_path / "saved.pth")(given)

    wanted = network((torch.tensor(given) / 255 - mean) / std)
    assert found.shape == (2, dim)
    torch.testing.assert_close(torch.tensor(found), wanted.detach(), rtol=1e-4, atol=1e-5)


def test_safetensors_and_torch_files_give_the_same(tmp_path):
    """Both forms of a file, with and without a wrapper and the prefix of parallel training."""
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    state = {"a.weight": torch.rand(2, 3), "b": torch.arange(4.0)}
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "s.pt")
    safetensors.save_file(state, tmp_path / "s.safetensors")

    for name in ("s.pt", "s.safetensors"):
        found = read_state(tmp_path / name)
        assert found.keys() == state.keys()
        assert all(torch.equal(found[key], state[key]) for key in state)


def test_a_file_that_could_run_code_is_refused(tmp_path):
    """It is not run, and the error says what to save instead."""

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "trapped"), "w"))

    with (tmp_path / "trap.pt").open("wb") as file:
        pickle.dump({"weight": Trap()}, file, protocol=2)  # that of torch.save

    with pytest.raises(FeatureError, match=r"trap\.pt: .*(state_dict|cannot be read)"):
        read_state(tmp_path / "trap.pt")
    assert not (tmp_path / "trapped").exists()


def test_a_truncated_file_is_named(tmp_path):
    """Half a file is no weights."""
    torch.save({"weight": torch.rand(1000)}, tmp_path / "half.pt")
    content = (tmp_path / "half.pt").read_bytes()
    (tmp_path / "half.pt").write_bytes(content[: len(content) // 2])

    with pytest.raises(FeatureError, match=r"half\.pt: cannot be read"):
        read_state(tmp_path / "half.pt")


def test_other_networks_weights_are_refused():
    """The message counts what differs and shows the first with both shapes."""
    state = {"weight": torch.rand(4, 3), "more": torch.rand(1)}

    with pytest.raises(FeatureError, match=r"x\.pt: .*3 tensors differ, such as 'bias', found "):
        fill(nn.Linear(3, 2), state, "x.pt")


def test_a_network_is_built_without_memory_and_filled():
    """Values are those of the file, in float32 whatever it holds."""
    state = {"weight": torch.rand(2, 3).half(), "bias": torch.rand(2)}

    network = built(lambda: nn.Linear(3, 2), state, "file")

    assert not any(value.is_meta for value in network.parameters())
    assert torch.equal(network.weight, state["weight"].float())


def test_what_no_file_holds_is_computed():
    """A buffer that is not saved has its values, though weights are not drawn."""

    class Indexed(nn.Linear):
        def __init__(self):
            super().__init__(3, 2)
            self.register_buffer("index", torch.arange(5), persistent=False)

    network = built(Indexed, {"weight": torch.rand(2, 3), "bias": torch.rand(2)}, "file")

    assert network.index.tolist() == [0, 1, 2, 3, 4]


# Where files are looked for


@pytest.mark.parametrize("place", ["uni.safetensors", "uni.bin", "uni/pytorch_model.bin"])
def test_weights_of_the_users_folder_are_found(record, place, tmp_path, monkeypatch):
    """By the encoder's name, as a file or in a folder; named by option or environment."""
    file = tmp_path / "folder" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")

    assert find_weights(record("uni"), tmp_path / "folder") == file
    monkeypatch.setenv("MILBENCH_WEIGHTS", str(tmp_path / "folder"))
    assert find_weights(record("uni")) == file


def test_a_file_may_keep_its_name(record, tmp_path):
    """The files of torchvision are named by encoder and hash."""
    (tmp_path / "resnet50-0676ba61.pth").write_bytes(b"weights")

    assert find_weights(record("resnet50"), tmp_path).name == "resnet50-0676ba61.pth"


def test_two_files_are_one_too_many(record, tmp_path):
    """Which of them would be meant is for the user to say."""
    for name in ("uni.pt", "uni.safetensors"):
        (tmp_path / name).write_bytes(b"weights")

    with pytest.raises(FeatureError, match=r"holds uni\.pt and uni\.safetensors; keep one"):
        find_weights(record("uni"), tmp_path)


def test_the_cache_of_torch_is_looked_at(record, tmp_path, monkeypatch):
    """Where torchvision keeps what it downloaded."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "vgg19-dcbb9e9d.pth").write_bytes(b"weights")

    assert find_weights(record("vgg19")).parent == folder


def test_missing_weights_say_how_to_get_them(record, tmp_path):
    """Where was looked, the page, access, licence, the name to give, and the command."""
    with pytest.raises(MissingEncoderError) as found:
        find_weights(record("uni"), tmp_path)

    for part in (
        f"none in {tmp_path}",
        "https://huggingface.co/MahmoodLab/UNI",
        "after access is granted",
        "CC-BY-NC-ND-4.0",
        "uni.bin",
        "milbench encode DATASET uni",
    ):
        assert part in str(found.value)


def test_an_encoder_of_own_tiles_says_how_to_train_it(record):
    """There is nothing to download."""
    with pytest.raises(
        MissingEncoderError, match=r"milbench encode DATASET resnet18-simclr --pretrain"
    ):
        find_weights(record("resnet18-simclr"))


def test_a_page_without_a_file_is_named(record):
    """CTransPath has a page that no program can download from."""
    with pytest.raises(MissingEncoderError, match=r"github\.com/Xiyue-Wang/TransPath"):
        find_weights(record("ctranspath"))


def test_the_hash_is_that_of_the_bytes(tmp_path):
    """The SHA-256 of 'weights' (coreutils), kept for the file and made anew when it changes."""
    file = tmp_path / "weights.pt"
    file.write_bytes(b"abc")
    cache = tmp_path / "cache"

    first = weights_hash(file, cache)
    file.write_bytes(b"abcd")

    # FIPS 180-2, appendix B.1
    assert first == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert weights_hash(file, cache) != first


def test_a_source_is_a_page_to_open():
    """The model card, before the address of the file."""
    hub = Weights(file="model.bin", hub="owner/name")
    site = Weights(file="model.pth", url="https://example.org/model.pth")

    assert hub.source == "https://huggingface.co/owner/name"
    assert site.source == "https://example.org/model.pth"


def test_vgg_is_the_network_of_the_paper():
    """Configuration E of its table 1: 16 convolutions and, without the last, two layers."""
    kinds = [type(layer) for layer in VGG19(width=1).modules()]

    assert kinds.count(nn.Conv2d) == 16
    assert kinds.count(nn.Linear) == 2
    assert VGG19.__module__ == "milbench.nn.vgg"
    assert np.prod([2] * kinds.count(nn.MaxPool2d)) == 32
