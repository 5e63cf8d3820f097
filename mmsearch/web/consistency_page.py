"""The page of `mmsearch check consistency --html`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsearch.fusion.consistency import COUNTED, Consistency
from mmsearch.fusion.repeated import Group, Member
from mmsearch.web.card import Card
from mmsearch.web.gallery import Row, Section, gallery
from mmsearch.web.page import store_name
from mmsearch.web.photos import Photos
from mmsearch.web.thumbnails import Thumbnails

if TYPE_CHECKING:
    from mmsearch.shop import Shop


def consistency_page(shop: Shop, found: Consistency) -> str:
    """The page, with the photos as they are on the disk now."""
    pictures = _Pictures(shop, found)
    sections = []
    if found.space is not None:
        intro = (
            f"Left: the product. Right: the product whose text fits the photo best. The bar is the share of the other texts that fit the "
            f"photo better than the product's own; from {COUNTED:.0%} on it is marked, and counts."
        )
        rows = [_disagreement(one_index, found, pictures) for one_index in range(len(found.disagreements))]
        sections.append(Section(f"Photo and text disagree ({found.disagreeing:,})", intro, rows, wide=True))
    intro = "Products that say and show the same, or nearly. Likeness is that to the first of the group."
    groups = [_group(group, found, pictures) for group in found.groups]
    sections.append(Section(f"There more than once ({found.repeated:,} groups)", intro, groups))
    bare = [Card(one.id, found.titles.get(one.id) or "", facts=tuple(one.missing.items())) for one in found.unfused]
    intro = "Products without any vector: only a filter finds them."
    sections.append(Section(f"Nothing to fuse ({found.bare:,})", intro, [Row(bare)] if bare else []))
    lines = [f"Store {store_name(shop.store.path)}.", *(f"{line}." for line in found.notes)]
    if found.space is not None:
        lines.insert(1, f"{found.compared:,} products with text and photo, compared by {found.space}.")
    if pictures.left_out:
        lines.append(f"{pictures.left_out:,} photos are left out, so that the page still opens.")
    return gallery("Consistency of the catalogue", lines, sections)


class _Pictures:
    """The thumbnails of the products that a page names."""

    def __init__(self, shop: Shop, found: Consistency):
        ids = {one.id for one in found.disagreements} | {one.suits for one in found.disagreements if one.suits}
        ids |= {member.id for group in found.groups for member in group.members}
        self._photos, self._made = Photos(shop.store, ids), Thumbnails()

    @property
    def left_out(self) -> int:
        return self._made.left_out

    def of(self, id: str, part: str | None = None) -> tuple[str | None, str]:
        """The picture of a product's photo, by default its first; or why there is none."""
        return self._photos.thumbnail(self._made, id, part)


def _disagreement(index: int, found: Consistency, pictures: _Pictures) -> Row:
    one = found.disagreements[index]
    facts = [("better", f"{one.better:.0%}"), ("gap", f"{one.gap:.2f}")]
    if one.photos > 1:
        facts.append(("photo", f"{one.photo} (of {one.photos})"))
    title = found.titles.get(one.id) or ""
    cards = [Card(one.id, title, *pictures.of(one.id, one.photo), "", facts, one.better, one.better >= COUNTED)]
    if one.suits:
        cards.append(Card(one.suits, found.titles.get(one.suits) or "", *pictures.of(one.suits), "its text fits the photo best"))
    return Row(cards)


def _group(group: Group, found: Consistency, pictures: _Pictures) -> Row:
    cards = [
        Card(m.id, found.titles.get(m.id) or "", *pictures.of(m.id, m.photo), "", [] if m is group.members[0] else _likeness(m))
        for m in group.members
    ]
    more = f", {len(group.members)} of them shown" if group.size > len(group.members) else ""
    return Row(cards, f"{group.size:,} products{more}")


def _likeness(member: Member) -> list[tuple[str, str]]:
    facts = [] if member.image is None else [("photo", f"{member.image:.2f}")]
    text = "same words" if member.words else None if member.text is None else f"{member.text:.2f}"
    return facts if text is None else [*facts, ("text", text)]
