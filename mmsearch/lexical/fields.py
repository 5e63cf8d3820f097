"""The fields that products are looked in by words. Nothing heavy is imported here: queries are read with it."""

from __future__ import annotations

from collections.abc import Mapping

#: The table of words in a store: see `mmsearch.lexical.table`.
TABLE = "words"
RECORD = "words"  # key of the record: what the table was made of, also where no product says anything
#: The table of what is completed: see `mmsearch.lexical.completions`.
COMPLETIONS = "completions"
#: The table of the brands and categories that products have: see there, too.
NAMES = "names"
#: Between the sounds of Chinese characters there.
APART = "\t"

#: Field → how often it stands in `WORDS`, which is its boost. Titles of all languages are one field; `said` is what is said in sounds and
#: clips, `read` what was read on photos. What features say of photos (colours, labels) is not among them: products with a photo would be
#: longer texts than those without, and lose or win by it (docs/decisions/0026-hybrid-search.md, where the boosts were chosen, too).
FIELDS: Mapping[str, int] = {"title": 2, "brand": 1, "category": 1, "description": 1, "said": 1, "read": 1}

#: What they are called in Chinese queries.
CHINESE: Mapping[str, str] = {"标题": "title", "品牌": "brand", "分类": "category", "类目": "category", "描述": "description"}

#: All fields in one column: what a text is looked for in.
WORDS = "words"
#: Codes, and Chinese characters with their pairs, of the id, the title, the brand and the category.
PIECES = "pieces"
#: In which scripts a product says something (`mmsearch.lexical.spelling.scripts`).
SCRIPTS = "scripts"
