"""Read the weights of a network from a file, and fill a network with them, without running code."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch

from milbench.errors import FeatureError, MissingEncoderError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["built", "fill", "read_state"]

SAFETENSORS = ".safetensors"
INSIDE = ("state_dict", "model", "teacher")  # where training code puts the weights of a network


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file of weights by their names, on the CPU.

    A ``.safetensors`` file, or one of ``torch.save`` that holds tensors only: a state_dict, or a
    mapping that holds one as ``state_dict``, ``model`` or ``teacher``. A prefix ``module.``, which
    parallel training adds, is dropped.

    Raises
    ------
    FeatureError
        If the file cannot be read, or could run code when it is.
    MissingEncoderError
        If it is a ``.safetensors`` file and that package is not installed.
    """
    saved = _safetensors(path) if path.suffix == SAFETENSORS else _torch(path)
    for name in INSIDE:
        if isinstance(saved, dict) and isinstance(saved.get(name), dict):
            saved = saved[name]
    tensors = saved if isinstance(saved, dict) else {}
    state = {
        str(name).removeprefix("module."): value
        for name, value in tensors.items()
        if isinstance(value, torch.Tensor)
    }
    if not state:
        raise FeatureError(f"{path}: holds no tensors by name; expected the weights of a network")
    return state


def fill(network: nn.Module, state: Mapping[str, Tensor], source: object) -> None:
    """Give ``network`` the weights of ``state``, every one of them and nothing else.

    Parameters
    ----------
    source
        Where they are from, for the message.

    Raises
    ------
    FeatureError
        If a tensor is missing, is too many or has another shape; the message names the first.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    odd = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    if odd:
        first = odd[0]
        raise FeatureError(
            f"{source}: not the weights of this network: {len(odd)} tensors differ, such as "
            f"{first!r}, found {found.get(first, 'none')}, expected {wanted.get(first, 'none')}"
        )
    network.load_state_dict(dict(state), assign=True)


def built(make: Callable[[], nn.Module], state: Mapping[str, Tensor], source: object) -> nn.Module:
    """Return the network that ``make`` builds, with the weights of ``state``.

    It is built without memory for weights, which would be drawn only to be replaced: a billion of
    them take seconds. Where it also holds what no file has, it is built again in full.

    Raises
    ------
    FeatureError
        As :func:`fill`.
    """
    with torch.device("meta"):
        network = make()
    floats = {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }
    fill(network, floats, source)
    if any(buffer.is_meta for buffer in network.buffers()):
        network = make()
        fill(network, floats, source)
    return network


def _safetensors(path: Path) -> Any:
    try:
        from safetensors import SafetensorError  # noqa: PLC0415  # of an extra
        from safetensors.torch import load_file  # noqa: PLC0415
    except ImportError as error:
        raise MissingEncoderError(
            f"{path}: needs safetensors; install: pip install 'milbench[encoders]'"
        ) from error
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise FeatureError(f"{path}: cannot be read: {error}") from error


def _torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise FeatureError(
            f"{path}: holds more than tensors, and reading it could run its code; save the "
            "state_dict alone, or as .safetensors"
        ) from error
    except (OSError, RuntimeError, EOFError) as error:
        raise FeatureError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
