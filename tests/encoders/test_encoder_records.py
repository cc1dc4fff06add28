"""What a record says of an encoder is what its network does: widths, sizes, normalisation."""

import re
from importlib.util import find_spec

import pytest
import torch

from milbench import Encoder
from milbench.errors import PluginError
from milbench.registry import load_registry
from milbench.view import named_encoder
from milbench_encoders import conch, ctranspath, hub_vit, imagenet, simclr, vit
from milbench_encoders.catalogue import own_tiles, pathology, photographs

TRAINED = [*photographs.RECORDS, *own_tiles.RECORDS, *pathology.RECORDS]
# Millions of parameters as their publishers or lazyslide-models 0.1.0 state them.
PUBLISHED = {
    "uni": 303,
    "uni2-h": 681,
    "virchow": 631,
    "virchow2": 631,
    "prov-gigapath": 1135,
    "h-optimus-0": 1135,
    "h-optimus-1": 1135,
    "h0-mini": 86,
    "phikon": 86,
    "phikon-v2": 303,
    "hibou-b": 86,
    "ctranspath": 27.5,
}
WITH_TIMM = [name for name in PUBLISHED if name not in ("phikon", "phikon-v2", "hibou-b")]


@pytest.mark.parametrize("record", TRAINED, ids=lambda record: record.name)
def test_a_trained_encoder_says_what_its_users_must_know(record: Encoder) -> None:
    """Width, licence, paper with year and link, corpora, and where the weights come from."""
    assert record.dim
    assert record.licence
    assert re.search(r"\b(19|20)\d\d\b.*https://", record.paper)
    assert record.weights is not None or record.pretrain is not None
    assert record.pretrain is not None or record.pretraining_data
    if record.weights is not None:
        assert record.weights.source.startswith("https://")
    assert set(record.precisions) == {"float32", "bfloat16", "float16"}


@pytest.mark.parametrize(
    "record", [r for r in TRAINED if r.name in PUBLISHED], ids=lambda r: r.name
)
def test_records_and_networks_agree_on_the_look(record: Encoder) -> None:
    """The mean and deviation that are listed are those that tiles are normalised by."""
    found = record.load()
    look = found.look if hasattr(found, "look") else vit.PLAIN

    assert (look.mean, look.std) == (record.mean, record.std)
    assert (look.resize or look.size) == record.tile_px


def test_conch_looks_as_its_record_says(record) -> None:
    """Its tile is 448 pixels wide, twice that of the others."""
    found = record("conch")

    assert (conch.LOOK.size, conch.LOOK.mean, conch.LOOK.std) == (448, found.mean, found.std)


@pytest.mark.parametrize(
    ("names", "mean"),
    [
        (("uni", "uni2-h", "virchow2", "phikon-v2", "resnet50"), (0.485, 0.456, 0.406)),
        (("h-optimus-0", "h-optimus-1", "h0-mini"), (0.707223, 0.578729, 0.703617)),
        (("hibou-b", "hibou-l"), (0.7068, 0.5755, 0.722)),
        (("midnight",), (0.5, 0.5, 0.5)),
        (("lunit-s16",), (0.70322989, 0.53606487, 0.66096631)),
        (("conch",), (0.48145466, 0.4578275, 0.40821073)),
    ],
)
def test_normalisation_is_that_of_the_model_cards(record, names, mean) -> None:
    """ImageNet, Bioptimus, HistAI, Kaiko, Lunit and CLIP, in the order of the lines."""
    assert {record(name).mean for name in names} == {mean}


def parameters(make) -> float:
    with torch.device("meta"):
        network = make()
    return sum(value.numel() for value in network.parameters()) / 1e6


def networks():
    """Return what builds the network of each published size."""
    found = {record.name: record.load() for record in TRAINED if record.name in PUBLISHED}
    return {
        name: ctranspath.swin if name == "ctranspath" else code.network
        for name, code in found.items()
    }


def needs(package: str) -> pytest.MarkDecorator:
    # Found, not imported: what imports it gives it a torchvision that it can import.
    reason = f"{package} is not installed: pip install 'milbench[encoders]'"
    return pytest.mark.skipif(find_spec(package) is None, reason=reason)


@needs("timm")
@pytest.mark.parametrize("name", WITH_TIMM)
def test_networks_of_timm_have_the_published_size(name: str) -> None:
    """The count of parameters, without any memory for them."""
    found = parameters(networks()[name])
    assert found == pytest.approx(PUBLISHED[name], abs=0.6 if PUBLISHED[name] > 50 else 0.05)


@needs("transformers")
@pytest.mark.parametrize("name", ["phikon", "phikon-v2", "hibou-b"])
def test_networks_of_transformers_have_the_published_size(name: str) -> None:
    """The count of parameters, without any memory for them."""
    assert parameters(networks()[name]) == pytest.approx(PUBLISHED[name], abs=0.6)


def test_resnet50_ends_after_its_third_stage() -> None:
    """8.54 million of the 25.56 million parameters: 25,557,032 less 14,964,736 and 2,049,000."""
    found = sum(value.numel() for value in imagenet.TruncatedResNet50().parameters())

    assert found == 25_557_032 - 14_964_736 - 2_049_000


def test_simclr_has_no_weights_but_convolutions() -> None:
    """InstanceNorm without affine: the convolutions of ResNet-18 alone."""
    network = simclr.resnet18_simclr.__globals__["_network"]()

    assert len(network.state_dict()) == 20
    assert all(value.dim() == 4 for value in network.state_dict().values())


def test_a_precision_is_asked_for_by_name() -> None:
    """``uni@bfloat16`` is uni in bfloat16; the name alone is float32."""
    registry = load_registry()

    assert named_encoder(registry, "uni@bfloat16")[1] == "bfloat16"
    assert named_encoder(registry, "milbench/uni")[1] == "float32"


def test_an_encoder_that_knows_float32_only_refuses_others() -> None:
    """The error names the encoder, what was asked and what it knows."""
    with pytest.raises(PluginError, match=r"'colour-texture'.*'bfloat16'; it knows float32"):
        named_encoder(load_registry(), "colour-texture@bfloat16")


def test_hub_transformers_share_one_width_with_their_record(record) -> None:
    """A class token has the hidden size; with the mean of the patches it is twice that."""
    for name, found in (("phikon", hub_vit.PHIKON), ("midnight", hub_vit.MIDNIGHT)):
        times = 2 if found.pooling == "token+mean" else 1
        assert record(name).dim == found.options["hidden_size"] * times
