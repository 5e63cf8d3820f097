"""The README of sample_data/, with the numbers that are true."""

from __future__ import annotations

from collections.abc import Sequence


def readme(
    *,
    products: int,
    categories: Sequence[str],
    photos: int,
    without_photo: int,
    without_description: int,
    neither: int,
    sounds: int,
    users: int,
    one_look: int,
    events: int,
    reviews: int,
    searches: int,
    triples: int,
    queries: int,
    mixed: int,
) -> str:
    """The text; every number comes from the data."""
    return f"""# The sample shop

A small bilingual shop (English and Chinese) to try every feature of mmsearch on, and to test on.

**Everything here is synthetic.** The photos are drawn, the sounds synthesised, and the texts, brands, shoppers and their behaviour made up
by [`scripts/make_sample_data.py`](../scripts/make_sample_data.py). Nothing is copied from elsewhere; likenesses to real
brands or people are accidental. Licence: Apache-2.0, as the project.

    mmsearch ingest sample_data/products.csv
    mmsearch embed
    mmsearch search "red running shoes"
    mmsearch search --image sample_data/queries/red-shoe.jpg --text "in blue"

| file | what is in it |
|---|---|
| `products.csv` | {products} products in {len(categories)} categories ({", ".join(categories)}). Titles are \
English, Chinese or both. {without_photo} products have no photo, {without_description} no description, {neither} of them neither |
| `photos/` | {photos} photos, 224 × 224: JPEG, and some cut-outs as transparent PNG. `-b` is a second view, `-c` one taken at home |
| `sounds/` | {sounds} sounds of products, WAV, 16 kHz mono: bells, beeps, whistles, tunes |
| `clips/` | three clips of 2–3 s, H.264, 160 × 120; the train's has a sound track |
| `queries/` | four photos and a sound to search with: other angles and backgrounds, of things that are not in the shop exactly like that |
| `users.csv` | {users} shoppers; {one_look} of them came once and looked at one thing |
| `events.csv` | {events} views, carts and buys (`value` counts pieces) in the first half of 2025 |
| `reviews.csv` | {reviews} reviews by people who bought the thing. A few hold a (fictional) mail address or phone number, to be scrubbed |
| `searches.csv` | {searches} searches and the product that was clicked, if any; some are misspelt |
| `knowledge.csv` | {triples} triples: `synonym`, `broader` (the tail is the broader word), `part-of`, `goes-with` |
| `queries.tsv`, `qrels.tsv` | {queries} text queries in two languages, and graded judgments in TREC form |
| `queries.jsonl`, `mixed_qrels.tsv` | {mixed} queries that mix text, photo, negative and filter, and their judgments |

Columns of `products.csv` that may surprise: `产地` is the place of origin (filter on it: `--where "产地 = '江西'"`); `tags` and
`image` are lists separated by `;`; `capacity_ml` and `watts` are filled where they make sense; `rating` is the mean of the
reviews; prices are in the currency beside them; `variant_of` names the product that this one is another colour of.

The judgments follow from what the generator knows of each product (kind, colour, material, use): 3 exactly what is asked for, 2
nearly, 1 the right kind of thing or a related one, 0 of the same category but not wanted. Products without a line are not relevant.

The shoppers like some categories, colours and brands and have a budget, and after a purchase they often look for what goes
with it. So popularity, taste and order each carry some of the truth.

To make it again: `python scripts/make_sample_data.py` (numpy, Pillow and PyAV; under 30 s). The tables are the same bytes
every time, and so are photos and sounds with the same versions of Pillow and numpy. The clips' bytes depend on the encoder inside
PyAV.
"""
