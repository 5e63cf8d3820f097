#!/usr/bin/env bash
# Photos taken in shops → the product they show, and titles → the product's own photo, on the Grocery Store Dataset.
#   examples/grocery.sh DATA_FOLDER          (products.csv, shelf.csv, shelf.qrels and their photos) one photo a product, under a minute
#   examples/grocery.sh DATA_FOLDER --all    all 810 of them: their words are read one photo at a time, some minutes
set -euo pipefail
data=$(cd "${1:?usage: examples/grocery.sh DATA_FOLDER [--all]}" && pwd)
cd "$(dirname "$0")/.." && PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
export MMSEARCH_STORE="$work/grocery.lancedb"

mmsearch ingest "$data/products.csv" --format table
mmsearch --quiet embed --format table
mmsearch fuse --format table

# The queries and their judgments lie beside the photos' folder, whose paths they name. The first photo of each product, or all.
queries="$data/shelf.csv" qrels="$data/shelf.qrels"
if [ "${2:-}" != --all ]; then
  queries="$work/shelf.csv" qrels="$work/shelf.qrels"
  ln -s "$data/shelf" "$work/shelf"
  awk -F, 'NR == 1 || !seen[$3]++' "$data/shelf.csv" > "$queries"
  awk -F, 'NR == FNR { asked[$1] = 1; next } { split($0, row, " "); if (row[1] in asked) print }' "$queries" "$data/shelf.qrels" > "$qrels"
fi
echo "Shelf photo → product ($(($(wc -l < "$queries") - 1)) photos, 81 products; chance R@1 $(python3 -c 'print(f"{1/81:.4f}")'))"
shelf=(--queries "$queries" --qrels "$qrels" --metric R@1 --metric R@10 --metric RR)
{
  mmsearch --quiet eval search "${shelf[@]}" --in image --method "image encoder alone"
  mmsearch --quiet eval search "${shelf[@]}" --method "default (photo, words on it, text of the products)"
  mmsearch --quiet eval search "${shelf[@]}" --in text --method "against the products' texts alone"
} > "$work/shelf.jsonl"
python3 examples/table.py "$work/shelf.jsonl"

echo "Title → own photo (81 products; these are the pairs that fuse learned from, its own line above tells the held-out recall)"
python3 - "$data/products.csv" "$work" <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8")))
with open(f"{sys.argv[2]}/titles.tsv", "w", encoding="utf-8") as q, open(f"{sys.argv[2]}/titles.qrels", "w", encoding="utf-8") as r:
    for row in rows:
        q.write(f"{row['id']}\t{row['title']}\n")
        r.write(f"{row['id']} 0 {row['id']} 1\n")
PY
mmsearch --quiet eval search --queries "$work/titles.tsv" --qrels "$work/titles.qrels" --in image --metric R@1 --metric R@10 --metric RR > "$work/titles.jsonl"
python3 examples/table.py "$work/titles.jsonl"
