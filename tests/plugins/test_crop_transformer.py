"""The classifier of the UBC-OCEAN notebook, beside torch's own layers."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from milbench import Bag, MilbenchError
from milbench_aggregators import crop_transformer
from milbench_aggregators.crop_transformer import DROPPED, CropTransformer, sine_code

TOKENS, WIDTH = 3, 8


def bag(crops, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Bag(torch.randn(crops, TOKENS * WIDTH, generator=generator, dtype=torch.float64))


def small(**settings):
    torch.manual_seed(0)
    given = {"tokens": TOKENS, "layers": 2, "heads": 2, "hidden": 5} | settings
    return CropTransformer(TOKENS * WIDTH, 4, **given).double().eval()


def torch_layer(layer):
    """Return torch's layer with the same weights, the crops on the first axis as published."""
    own = nn.TransformerEncoderLayer(WIDTH, 2, 5, dropout=0.1, dtype=torch.float64)
    pairs = (
        *((own.linear1, layer.first), (own.linear2, layer.second)),
        *((own.norm1, layer.norm_attention), (own.norm2, layer.norm_hidden)),
        (own.self_attn.out_proj, layer.out),
    )
    for theirs, ours in pairs:
        theirs.load_state_dict(ours.state_dict())
    own.self_attn.in_proj_weight.data = layer.project.weight.data
    own.self_attn.in_proj_bias.data = layer.project.bias.data
    return own.eval()


def test_the_published_size():
    """256 places of 448 values and six classes: 7,599,366 parameters."""
    model = CropTransformer(256 * 448, 6, tokens=256)

    assert sum(parameter.numel() for parameter in model.parameters()) == 7_599_366


@pytest.mark.parametrize("crops", [1, 9, DROPPED + 1])
def test_it_computes_what_torchs_layers_compute(crops):
    """Crops are the sequence and places the batch; on both sides of the way attention is made."""
    model, given = small(), bag(crops)

    position = torch.arange(crops, dtype=torch.float64)[:, None]
    code = torch.zeros(crops, WIDTH, dtype=torch.float64)
    for column in range(0, WIDTH, 2):
        angle = position[:, 0] / 10_000 ** (column / WIDTH)
        code[:, column], code[:, column + 1] = angle.sin(), angle.cos()
    x = given.x.reshape(crops, TOKENS, WIDTH) + code[:, None]  # (N, T, d), sequence first
    for layer in model.layers:
        x = torch_layer(layer)(x)
    of_crops = x.mean(dim=1) @ model.head.weight.T + model.head.bias

    output = model(given)
    assert_close(output.instance_logits, of_crops, atol=1e-6, rtol=1e-6)
    assert_close(output.logits, of_crops.sum(dim=0), atol=1e-6, rtol=1e-6)


def test_the_sine_code_of_two_crops_by_hand():
    """Width 4: rates 1 and 1/100."""
    code = sine_code(torch.zeros(1, 2, 4, dtype=torch.float64))

    expected = [[0, 1, 0, 1], [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)]]
    assert_close(code, torch.tensor(expected, dtype=torch.float64), atol=1e-7, rtol=0)


def test_places_do_not_attend_to_each_other():
    """A change at one place reaches the other places of no crop."""
    model, given = small(layers=1), bag(5)
    seen = []
    model.layers[0].register_forward_hook(lambda _m, _i, output: seen.append(output))
    changed = given.x.clone()
    changed[2, :WIDTH] += 1.0  # place 0 of crop 2

    model(given)
    model(Bag(changed))

    moved = (seen[0] - seen[1]).abs().amax(dim=2) > 0  # (T, N)
    assert moved[0].all()
    assert not moved[1:].any()


@pytest.mark.parametrize(("crops", "is_dropped"), [(4, True), (DROPPED + 1, False)])
def test_dropout_acts_in_training_and_in_usual_bags_only(crops, is_dropped):
    """Two passes agree in prediction; in training they differ, but for more than 512 crops."""
    model, given = small(dropout=0.5), bag(crops)
    assert torch.equal(model(given).logits, model(given).logits)

    model.train()
    assert torch.equal(model(given).logits, model(given).logits) != is_dropped


def test_layers_start_apart():
    """Each has weights of its own."""
    first, second = small().layers

    assert not torch.equal(first.project.weight, second.project.weight)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"tokens": 5}, "24 features are no 5 tokens"),
        ({"heads": 3}, "3 heads"),
        ({"per_image": False}, "per_image is False"),
    ],
)
def test_what_does_not_fit_is_refused(settings, says):
    """The error names the setting."""
    with pytest.raises(MilbenchError, match=says):
        small(**settings)


def test_a_prediction_depends_on_its_own_picture_alone():
    """In the notebook cores of one batch attend to each other; here no bag leaves a trace."""
    model, given = small(), bag(1)
    alone = model(given).logits

    model(bag(7, seed=1))

    assert torch.equal(model(given).logits, alone)


def test_layers_computed_twice_give_the_same_gradients(monkeypatch):
    """Long bags keep less for the gradient and lose nothing of it."""
    model, given = small(), bag(crops=9)
    plain = torch.autograd.grad(model(given).logits.logsumexp(0), list(model.parameters()))
    monkeypatch.setattr(crop_transformer, "RECOMPUTED", 8)
    again = torch.autograd.grad(model(given).logits.logsumexp(0), list(model.parameters()))
    assert_close(again, plain, rtol=0, atol=0)
