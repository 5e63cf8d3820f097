"""Training of a photo network's last blocks on a shop's pairs, below contrastive heads that stay as they are."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.encoders.trainable import Trainable
from mmsearch.errors import InputError, MissingPackage, UsageError
from mmsearch.fusion.base import Matrix, Side
from mmsearch.fusion.contrastive import Head, info_nce, twins_of
from mmsearch.fusion.pairs import Pairs, quality
from mmsearch.fusion.shared_space import pair_recall, same_product
from mmsearch.fusion.tower import Tower
from mmsearch.fusion.tower_photos import Photos
from mmsearch.fusion.views import Views

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from mmsearch.fusion.refinement import Dense, TowerChoice

Rows = NDArray[np.int64]

_LARGEST_GRADIENT = 5.0
_WATCHED = 500  # held-out pairs at most by which the best epoch is chosen
_AT_ONCE = 64  # photos at a time where nothing is learned
_NAMED = 5  # products whose photos could not be opened
_ROOT = 1e-4  # added before the root: its slope at 0 is infinite


@dataclass(frozen=True)
class Plan:
    """How blocks are trained. Chosen on the validation products of fashion (docs/decisions/0025-finetune.md)."""

    rate: float = 1e-3
    decay: float = 1e-2
    batch: int = 256
    temperature: float = 0.2  # to begin with; it is learned
    epochs: int = 8
    steps: int = 600  # at most, in all
    patience: int = 3  # epochs without a better one on the held-out pairs

    def most_epochs(self, pairs: int) -> int:
        """Epochs at most, of so many pairs."""
        return max(1, min(self.epochs, self.steps // max(1, round(pairs / self.batch))))


PLAN = Plan()


@dataclass(frozen=True)
class Trained:
    """What `train` finds: parameter → values of the best epoch (0: as published), and how well held-out pairs find each other by it."""

    weights: dict[str, Matrix]
    epoch: int
    score: float  # mean reciprocal rank, both directions; NaN where none were given
    ended: str  # 'settled', 'epochs' or 'not finite'


@dataclass(frozen=True)
class Sight:
    """What a head sees of n photos beside the vector that is learned anew: `Views` of the same, in which only the vector is replaced."""

    length: Matrix  # (n, 1) of the vector
    rest: Matrix  # (n, e) the further views
    rooted: bool

    @staticmethod
    def of(look: Views, side: Side) -> Sight:
        """Of photos (n)."""
        dense, d = look(side).dense, side.X.shape[1]
        return Sight(np.linalg.norm(dense[:, :d], axis=1, keepdims=True), np.ascontiguousarray(dense[:, d:]), look.rooted)

    def seen(self, top: Tensor, rows: Rows) -> Tensor:
        """What the last blocks make of some of them (k, d) → what the head takes (k, d + e), as `Views` has it."""
        import torch
        from torch.nn import functional

        if self.rooted:
            top = torch.sqrt(torch.relu(functional.normalize(top, dim=1)) + _ROOT**2)
        top = functional.normalize(top, dim=1) * torch.from_numpy(self.length[rows]).to(top.device)
        return torch.cat([top, torch.from_numpy(self.rest[rows]).to(top.device)], 1)


def trainable_of(encoders: Mapping[str, Encoder], blocks: int) -> Trainable:
    """The last blocks of the photos' encoder. Raises UsageError for one whose blocks cannot be trained, or that has not so many."""
    encoder = encoders.get("image")
    hint = "mmsearch embed --image efficientnet has such blocks; without them: leave finetune out"
    if encoder is None:
        raise UsageError(f"aligned(finetune={blocks}) trains the encoder of photos, and there is none", hint=hint)
    try:
        found = encoder.trainable(blocks)
    except ValueError as error:
        raise UsageError(f"aligned(finetune={blocks}): {error}") from error
    if found is None:
        name = type(encoder).__name__.lower()
        raise UsageError(f"aligned(finetune={blocks}): the encoder of photos, {name}, has no blocks that can be trained", hint=hint)
    return found


def with_photos(trainable: Trainable, pairs: Pairs, photos: Side) -> Pairs:
    """Pairs (n) with their photos as the last blocks take them. Raises InputError where none can be opened, or only vectors are there."""
    if photos.contents is None:
        raise InputError("finetune: the photos themselves are needed, and there are only their vectors", hint="leave finetune out")
    below = Photos.read(trainable, photos.contents)
    if not below.readable.any():
        hint = "photos are read again from where they were ingested; or leave finetune out"
        raise InputError("finetune: not one photo can be opened", hint=hint)
    return dataclasses.replace(pairs, photos=dataclasses.replace(pairs.photos, contents=photos.contents), below=below)


def tuned(
    trainable: Trainable,
    looks: Mapping[str, Views],
    pairs: Pairs,
    held: Pairs | None,
    seed: int,
    dense: Mapping[str, Dense],
    heads: Mapping[str, Head],
    epochs: int | None = None,
) -> tuple[Tower, Trained]:
    """Train the last blocks on pairs (n) whose photos were read (`Pairs.below`).

    Parameters
    ----------
    held : pairs by which the best epoch is chosen; None trains `epochs`.
    dense, heads : how texts and photos are seen, and where they meet: learned from the same pairs.
    """
    sides = [_task(looks, dense, heads["text"], some) for some in (pairs, held) if some is not None]
    found = train(trainable, sides[0], sides[1] if len(sides) > 1 else None, heads["image"], PLAN, seed, epochs)
    tower = Tower(trainable.spec, trainable.blocks, found.weights, trainable)
    for some in (pairs, held):
        if some is not None and some.below is not None:
            tower.know(some.photos.contents or [], some.below)
    return tower, found


@dataclass(frozen=True)
class Task:
    """n pairs to learn from, or to measure on."""

    photos: Photos
    sight: Sight
    texts: Matrix  # (n, k) where the texts lie, unit rows
    raw: tuple[Matrix, Matrix]  # texts and photos as they were encoded: the same one again is no negative


def _task(looks: Mapping[str, Views], dense: Mapping[str, Dense], head: Head, pairs: Pairs) -> Task:
    if pairs.below is None:
        raise ValueError("the photos of these pairs were not read")
    texts = head(dense["text"](looks["text"](pairs.texts)))
    return Task(pairs.below, Sight.of(looks["image"], pairs.photos), texts, (pairs.texts.X, pairs.photos.X))


def train(trainable: Trainable, pairs: Task, held: Task | None, head: Head, plan: Plan, seed: int, epochs: int | None = None) -> Trained:
    """InfoNCE in both directions (see `mmsearch.fusion.contrastive.fit_heads`) with the last blocks as what is learned.

    Texts lie where the text head puts them, and the head of photos stays; statistics of batch normalisation stay, too. Each photo is
    seen as it is or mirrored, at random. On a GPU where PyTorch finds one. Where the loss is no number it ends, and the best epoch
    before counts. One seed gives one result on one number of threads.

    Parameters
    ----------
    held : pairs by which the best epoch is chosen; without them the last one is. epochs : that many, whatever the plan says.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingPackage("finetune", "torch") from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    module = trainable.module().to(device)
    rng = np.random.default_rng(seed)
    place = head_on(head, device)
    texts = torch.from_numpy(pairs.texts).to(device)
    sharpness = torch.tensor([-float(np.log(plan.temperature))], device=device, requires_grad=True)
    groups = [{"params": list(module.parameters()), "weight_decay": plan.decay}, {"params": [sharpness], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=plan.rate)
    twins = [twins_of(V, rng) for V in pairs.raw]
    known = np.flatnonzero(pairs.photos.readable)
    score = _watched(module, held, place, device)
    best, best_epoch, best_score, ended = _weights(module), 0, score(), "epochs"
    for epoch in range(1, (epochs or plan.most_epochs(len(known))) + 1):
        for rows in np.array_split(rng.permutation(known), max(1, round(len(known) / plan.batch))):
            lower = torch.from_numpy(pairs.photos.at(rows, rng.integers(0, 2, len(rows))).astype(np.float32)).to(device)
            photos = place(pairs.sight.seen(module(lower), rows))
            loss = info_nce(texts[torch.from_numpy(rows).to(device)], photos, sharpness, [codes[rows] for codes in twins])
            if not bool(torch.isfinite(loss)):
                return Trained(best, best_epoch, best_score, "not finite")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(module.parameters(), _LARGEST_GRADIENT)
            optimizer.step()
        if not all(bool(torch.isfinite(value).all()) for value in module.parameters()):  # the last step may have done it
            ended = "not finite"
            break
        now = score()
        if not now <= best_score:  # also where nothing is watched (NaN): then the last epoch is the best
            best, best_epoch, best_score = _weights(module), epoch, now
        elif epoch - best_epoch >= plan.patience:
            ended = "settled"
            break
    return Trained(best, best_epoch, best_score, ended)


def head_on(head: Head, device: str) -> Callable[[Tensor], Tensor]:
    """A head as PyTorch computes it: (k, d) → (k, dim), unit rows."""
    import torch
    from torch.nn import functional

    on = {name: torch.from_numpy(np.ascontiguousarray(array)).to(device) for name, array in head.arrays().items()}

    def place(seen: Tensor) -> Tensor:
        centred = seen - on["mean"]
        out = centred @ on["weight"] + on["bias"]
        if len(on["outer"]):
            out = out + torch.relu(centred @ on["inner"] + on["inner_bias"]) @ on["outer"]
        return functional.normalize(out, dim=1)

    return place


def _watched(module: Module, held: Task | None, place: Callable[[Tensor], Tensor], device: str) -> Callable[[], float]:
    """How well held-out pairs find each other by the blocks as they are; NaN where there are none."""
    rows = np.flatnonzero(held.photos.readable)[:_WATCHED] if held is not None else np.empty(0, np.int64)
    if held is None or len(rows) < 2:
        return lambda: float("nan")
    same = same_product(held.raw[0][rows], held.raw[1][rows])

    def score() -> float:
        import torch

        found = []
        with torch.no_grad():
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE]
                lower = held.photos.at(some, np.zeros(len(some), np.int64)).astype(np.float32)
                found.append(place(held.sight.seen(module(torch.from_numpy(lower).to(device)), some)).cpu().numpy())
        return quality(pair_recall(held.texts[rows], np.concatenate(found), same))

    return score


def _weights(module: Module) -> dict[str, Matrix]:
    """A copy of what is trained."""
    return {name: copy.deepcopy(value.detach().cpu().numpy()) for name, value in module.named_parameters()}


def report(blocks: int, choice: TowerChoice | None, photos: Photos | None, ids: Sequence[str]) -> dict[str, Any]:
    """What a profile keeps of it.

    Parameters
    ----------
    photos : of all pairs (n); None where there were too few pairs. ids : of their products, where they come from a store.
    """
    gone = np.empty(0, np.int64) if photos is None else np.flatnonzero(~photos.readable)
    such = [ids[row] for row in gone[:_NAMED].tolist()] if len(ids) else []
    found = {"blocks": blocks, "unreadable": len(gone), "unreadable_such_as": such}
    return found | (choice.to_json() if choice is not None else {"kept": False})


def told(scores: Mapping[str, Any]) -> str:
    """What a report of a fit says of trained blocks, for people."""
    found = scores.get("finetune")
    if found is None or "RR" not in found:  # too few pairs for heads, which says so itself
        return ""
    blocks = f"the last {found['blocks']} blocks of the photo network" if found["blocks"] > 1 else "the last block of the photo network"
    ways = f"RR of the pairs that chose {found['RR']['before']:.3f} → {found['RR']['after']:.3f}"
    if not found["epochs"]:
        ways = "no epoch was better for pairs that were held out"
    trouble = "; the loss was no number in the end" if found["ended"] == "not finite" else ""
    such = f" ({', '.join(found['unreadable_such_as'])} …)" if found["unreadable_such_as"] else ""
    gone = f"; {found['unreadable']} photos could not be opened{such}: their vectors stand in" if found["unreadable"] else ""
    done = f"trained for {found['epochs']} epochs" if found["kept"] else "left as published"
    return f"; {blocks} {done}: {ways}{trouble}{gone}"
