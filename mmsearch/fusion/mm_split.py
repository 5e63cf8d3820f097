"""How the examples of `mm-model` are parted: learned from, for early stopping, held out; and products that it never sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.mm_examples import Examples
from mmsearch.fusion.mm_training import Pairs, Rows, Sampler, joined
from mmsearch.fusion.mm_words import Said, Vocabulary

_SHARE = 10  # a tenth of the examples is held out, another tenth serves early stopping
_MOST_HELD = 4_000  # of either: more tell no more
_FEWEST_PRODUCTS = 8  # never seen: fewer say nothing
_MOST_PRODUCTS = 400
_LEFT = 5  # examples of yes, and of no, that must remain


@dataclass(frozen=True)
class Parts:
    """Which examples (rows of `Examples`) serve what, and which products (rows of the batch) no one learns from."""

    train: Rows
    validation: Rows
    test: Rows
    new: Rows  # examples of products that were not learned from
    unseen: Rows  # these products


def part(examples: Examples, whole: NDArray[np.bool_], rng: np.random.Generator) -> Parts:
    """Random parts, with yes and no in each.

    Parameters
    ----------
    whole : (n,) products that have every modality: a tenth of them, at most 400, is not learned from, so that how well a text finds a
        photo is measured on others. None where that are fewer than 8, or too few examples would be left.
    """
    complete = np.flatnonzero(whole)
    number = min(_MOST_PRODUCTS, len(complete) // _SHARE)
    unseen = np.sort(rng.permutation(complete)[:number]) if number >= _FEWEST_PRODUCTS else np.empty(0, np.int64)
    is_new = np.isin(examples.product, unseen)
    if any((examples.yes == answer).any() and np.count_nonzero((examples.yes == answer) & ~is_new) < _LEFT for answer in (True, False)):
        unseen, is_new = unseen[:0], np.zeros(len(examples), bool)
    train, validation, test = [], [], []
    share = min(1 / _SHARE, _MOST_HELD / max(1, int(np.count_nonzero(~is_new))))
    for answer in (True, False):
        mine = rng.permutation(np.flatnonzero((examples.yes == answer) & ~is_new))
        held = max(1, round(share * len(mine))) if len(mine) > 2 else 0
        test.append(mine[:held])
        validation.append(mine[held : 2 * held])
        train.append(mine[2 * held :])
    learned, stopping, held_out = (np.sort(np.concatenate(rows)) for rows in (train, validation, test))
    return Parts(learned, stopping, held_out, np.flatnonzero(is_new), unseen)


def contexts_of(
    examples: Examples,
    learned: Rows,
    said: dict[str, list[Said]],
    texts: Sequence[NDArray[np.int64] | None],
    ids: Sequence[str],
    vocabulary: Vocabulary,
    most: int,
    history: int,
) -> list[Rows]:
    """What is known of the user at each example (e), as numbers of words.

    First the user's own, the newest first, then the texts of the last `history` products that the user took. Nothing that tells of the
    example itself: no review of its product, no search that ended at it, and not the product. What the user took is only what is learned
    from, never a held-out example.

    Parameters
    ----------
    learned : rows of the examples that are learned from. texts : words of each product's text (n,). most : words in all.
    """
    taken: dict[int, list[int]] = {}
    for row in sorted((row for row in learned.tolist() if examples.yes[row]), key=lambda row: (-examples.time[row], row)):
        taken.setdefault(int(examples.user[row]), []).append(int(examples.product[row]))
    own = {user: [(vocabulary.known(text.words), text.about) for text in texts_] for user, texts_ in said.items()}
    half = max(1, most // 2) if history else most
    words = []
    for user, product in zip(examples.user.tolist(), examples.product.tolist(), strict=True):
        if user < 0:
            words.append(np.empty(0, np.int64))
            continue
        mine = [known for known, about in own.get(examples.users[user], ()) if ids[product] not in about]
        wrote = np.concatenate([*mine, np.empty(0, np.int64)])[:half]
        last = [other for other in taken.get(user, ()) if other != product][:history]
        each = max(1, (most - len(wrote)) // max(1, len(last)))
        seen = [known[:each] for other in last if (known := texts[other]) is not None]
        words.append(np.concatenate([wrote, *seen]).astype(np.int64)[:most])
    return words


def sampler_of(examples: Examples, products: Rows, popular: float, n: int) -> Sampler:
    """Draws from some products (m,), the more often the more users took them, to a power."""
    counts = np.bincount(examples.product, minlength=n)[products]
    shares = (counts + 1.0) ** popular
    known = np.unique(examples.user * n + examples.product)
    return Sampler(products, shares / shares.sum(), examples.user, known, n)


def with_negatives(pairs: Pairs, sampler: Sampler | None, number: int, rng: np.random.Generator) -> Pairs:
    """The pairs, and so many for each that the user did not take: to be measured on, the same for a seed."""
    if sampler is None or not len(pairs):
        return pairs
    return joined(pairs, sampler.draw(pairs.context, number, max(4_096, len(pairs)), rng))
