"""The network of `mm-model`: branches for text, photo, sound and the user's own text → concatenate → dense (ReLU) → dropout → sigmoid.

Beside the branches' outputs, what the user's has in common with the mean of the product's is concatenated, element by element: a dense
layer alone learns products of its inputs badly (Rendle et al., "Neural collaborative filtering vs. matrix factorization revisited", 2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.fusion.mm_media import BANDS

if TYPE_CHECKING:
    from torch import Tensor, nn

#: The branches of a product, in the order in which they are concatenated; then the user's, and what both have in common.
BRANCHES = ("text", "image", "audio")
USER = "user"


@dataclass(frozen=True)
class Shape:
    """How large the network is."""

    words: int  # in the vocabulary
    branches: tuple[str, ...]  # those of `BRANCHES` and `USER` that it has
    dim: int  # of the dense layer
    width: int  # of a branch's output, and of an LSTM's state
    embedding: int

    def size(self, layer: str) -> int:
        """Of the vectors of a layer: 'dense' or 'branches'."""
        return self.width if layer == "branches" else self.dim

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"branches": list(self.branches)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Shape:
        return Shape(**{**value, "branches": tuple(value["branches"])})


class Brought(NamedTuple):
    """What products, or users, bring to the dense layer (n, dim), before its bias and ReLU; and the output of their branches (n, width)."""

    dense: Tensor
    output: Tensor

    def take(self, rows: Tensor) -> Brought:
        return Brought(self.dense[rows], self.output[rows])


@dataclass(frozen=True)
class Network:
    """Parameters on a device, and how they are applied. Inputs are numpy; outputs are tensors on the device."""

    shape: Shape
    parts: nn.ModuleDict
    device: str

    def branch(self, name: str, inputs: Sequence[NDArray[Any]], forget_words: float = 0.0) -> Tensor:
        """Items that a branch sees (n) → its output (n, width), standardised in each row.

        Texts are numbers of words (l,), photos (SIDE, SIDE, 3) uint8, sounds frames (t, BANDS).

        Parameters
        ----------
        forget_words : share of the words that are read as unknown ones, in training.
        """
        import torch

        if name == "image":
            pixels = torch.from_numpy(np.stack(inputs)).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
            seen = self.parts["image"](pixels)
            out = self.parts["image_out"](torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1))
        else:
            reader = "text" if name == USER and "text" in self.parts else name  # one LSTM reads what products and users say
            lengths = torch.tensor([len(one) for one in inputs], device=self.device)
            there = torch.arange(int(lengths.max()), device=self.device)[None, :] < lengths[:, None]
            padded = torch.from_numpy(_padded(inputs)).to(self.device)
            if name == "audio":
                steps = padded
            else:
                if forget_words:
                    padded = padded * (torch.rand(padded.shape, device=self.device) >= forget_words)
                steps = self.parts["words"](padded)
            states, _ = self.parts[reader](steps)
            # The mean of the LSTM's states: the last one alone has forgotten the beginning of a title. What pads is behind the end.
            out = (states * there[:, :, None]).sum(dim=1) / lengths[:, None]
        return self.parts[f"{name}_norm"](out)  # type: ignore[no-any-return]

    def product(self, outputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Brought:
        """What a product's branches bring to the dense layer, and their mean.

        A missing branch is zero and the others are scaled up by what is missing, as dropout does.

        Parameters
        ----------
        outputs : branch → (n, width); rows that are not `present` (n,) do not count.
        """
        import torch

        count = torch.stack([present[name] for name in outputs]).sum(dim=0).clamp(min=1)[:, None]
        there = {name: out * present[name][:, None] for name, out in outputs.items()}
        several = len([name for name in self.shape.branches if name != USER])
        total = torch.stack([self._dense(self.shape.branches.index(name), out) for name, out in there.items()]).sum(dim=0)
        return Brought(total * (several / count), torch.stack(list(there.values())).sum(dim=0) / count)

    def user(self, output: Tensor) -> Brought:
        """What the user's branch (n, width) brings to the dense layer, and itself."""
        return Brought(self._dense(self.shape.branches.index(USER), output), output)

    def hidden(self, product: Brought, user: Brought | None = None) -> Tensor:
        """The dense layer (n, dim), of products alone or each with a user: the penultimate layer."""
        total: Tensor = product.dense + self.parts["dense"].bias  # type: ignore[operator]
        if user is not None:
            total = total + user.dense + self._dense(len(self.shape.branches), product.output * user.output)
        return total.relu()

    def logit(self, hidden: Tensor) -> Tensor:
        """(n, dim) → (n,), with dropout in training."""
        return self.parts["answer"](self.parts["dropout"](hidden))[:, 0]  # type: ignore[no-any-return]

    def _dense(self, place: int, output: Tensor) -> Tensor:
        """The dense layer's part for what is concatenated at a place."""
        start = place * self.shape.width
        return output @ self.parts["dense"].weight[:, start : start + self.shape.width].T  # type: ignore[index]

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Every parameter by its name."""
        return {name: tensor.detach().cpu().numpy().astype(np.float32) for name, tensor in self.parts.state_dict().items()}

    def load(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Take up what `arrays` gave."""
        import torch

        self.parts.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})


def make_network(shape: Shape, device: str, dropout: float = 0.0) -> Network:
    """A network with random parameters (from torch's generator)."""
    from torch import nn

    parts = nn.ModuleDict()
    width = shape.width
    if {"text", USER} & set(shape.branches):
        parts["words"] = nn.Embedding(shape.words + 1, shape.embedding, padding_idx=0)
    for name in shape.branches:
        if name == "image":
            layers: list[nn.Module] = []
            for into, out in ((3, 16), (16, 32), (32, 64)):
                layers += [nn.Conv2d(into, out, 3, stride=2, padding=1), nn.ReLU()]
            parts["image"] = nn.Sequential(*layers)
            parts["image_out"] = nn.Linear(128, width)
        elif name != USER or "text" not in shape.branches:
            parts[name] = nn.LSTM(BANDS if name == "audio" else shape.embedding, width, batch_first=True)
        parts[f"{name}_norm"] = nn.LayerNorm(width)
    parts["dense"] = nn.Linear(width * (len(shape.branches) + (USER in shape.branches)), shape.dim)
    parts["dropout"] = nn.Dropout(dropout)
    parts["answer"] = nn.Linear(shape.dim, 1)
    return Network(shape, parts.to(device).eval(), device)


def chosen_device(asked: str) -> str:
    """'cpu' or 'cuda'; 'auto' is a GPU where there is one. Raises UsageError where one is asked for and there is none."""
    import torch

    if asked == "cuda" and not torch.cuda.is_available():
        raise UsageError("device=cuda: PyTorch finds no GPU here", hint="leave device out, or: device=cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked


def _padded(inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Sequences (n) of (l, …) → (n, longest, …), zeros behind the end."""
    longest = max(len(one) for one in inputs)
    out = np.zeros((len(inputs), longest, *inputs[0].shape[1:]), inputs[0].dtype)
    for row, one in zip(out, inputs, strict=True):
        row[: len(one)] = one
    return out
