"""Train A-MIL on pictures of sixteen digits, and draw what it looked at.

A picture holds 4 x 4 of scikit-learn's digits; it is positive if one of them is a nine. Run it with
a folder that the drawings go to; half a minute on one core:

    python examples/explain/where_is_the_nine.py maps
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch.nn import functional as F

from milbench import Bag
from milbench.interpret.gradcam import grad_cam, resized, unit_range
from milbench.interpret.stitch import attention_map, stitched
from milbench_aggregators.amil import AMIL

SIDE, COLUMNS = 16, 4  # pixels of a digit, digits of a row
TRAINING, TESTS = 250, 20
NINE = 9
CORNERS = np.indices((COLUMNS, COLUMNS))[::-1].reshape(2, -1).T * SIDE  # x and y, row by row


def pictures(count: int, seed: int) -> list[tuple[torch.Tensor, int, int]]:
    """Return patches (16, 3, 16, 16) as bytes, the label, and where the nine is."""
    digits, numbers = load_digits(return_X_y=True)
    images = np.kron(digits.reshape(-1, 8, 8), np.ones((2, 2))) * 255 / 16
    rng = np.random.default_rng(seed)
    found = []
    for n in range(count):
        rows = rng.choice(np.flatnonzero(numbers != NINE), COLUMNS**2)
        place = int(rng.integers(COLUMNS**2))
        if n % 2:
            rows[place] = rng.choice(np.flatnonzero(numbers == NINE))
        patches = np.repeat(images[rows][:, None], 3, axis=1).astype(np.uint8)
        found.append((torch.from_numpy(patches), n % 2, place))
    return found


def train() -> AMIL:
    """Return a network that has seen each training picture three times."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = AMIL(3 * SIDE * SIDE, 2)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-4)
    for x, label, _ in 3 * pictures(TRAINING, seed=0):
        optimiser.zero_grad()
        F.cross_entropy(model(Bag(x)).logits, torch.tensor(label)).backward()
        optimiser.step()
    return model.eval()


def draw(model: AMIL, patches: torch.Tensor, folder: Path) -> None:
    """Save the picture, the picture times the attention, and the Grad-CAM of its patches."""
    size = (COLUMNS * SIDE, COLUMNS * SIDE)
    picture = laid(patches.permute(0, 2, 3, 1).numpy())  # (64, 64, 3)
    attention = model(Bag(patches)).scores.detach().numpy()
    attended = attention_map(attention, CORNERS, SIDE, size)

    floats = patches / 255  # A-MIL divides bytes by 255, and takes floats as they are
    second = model.embed.layers[3]
    maps = grad_cam(lambda x: model(Bag(x)).logits[1], second, floats)
    maps = resized(maps, SIDE, SIDE).reshape(1, -1, SIDE)  # one range for all patches
    cam = laid(unit_range(maps).reshape(-1, SIDE, SIDE, 1).numpy())[..., 0]

    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / "picture.png")
    Image.fromarray(stitched(picture, attended)).save(folder / "attention.png")
    Image.fromarray(np.uint8(255 * cam)).save(folder / "gradcam.png")


def laid(patches: np.ndarray) -> np.ndarray:
    """Return patches (16, h, w, C) side by side, row by row: (4 h, 4 w, C)."""
    rows = patches.reshape(COLUMNS, COLUMNS, SIDE, SIDE, -1).transpose(0, 2, 1, 3, 4)
    return rows.reshape(COLUMNS * SIDE, COLUMNS * SIDE, -1)


if __name__ == "__main__":
    network = train()
    unseen = [(x, place) for x, label, place in pictures(2 * TESTS, seed=1) if label]
    hits = [int(network(Bag(x)).scores.argmax()) == place for x, place in unseen]
    print(f"attention is highest on the nine in {sum(hits)} of {len(hits)} unseen pictures")
    draw(network, unseen[0][0], Path(sys.argv[1]))
