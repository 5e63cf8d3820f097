#!/usr/bin/env bash
# Text → photo learned from a catalogue's own pairs: fitted on the train products, asked for the photos of the test
# products whose words were withheld.
#   examples/fashion.sh DATA_FOLDER     (products.csv with title, image, split; photos)
set -euo pipefail
data=$(cd "${1:?usage: examples/fashion.sh DATA_FOLDER}" && pwd)
cd "$(dirname "$0")/.." && PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
export MMSEARCH_STORE="$work/fashion.lancedb"

# Train products keep their words; of the test products only id, photo and split go into the store.
python3 - "$data" "$work" <<'PY'
import csv, os, sys
data, work = sys.argv[1:]
rows = list(csv.DictReader(open(f"{data}/products.csv", encoding="utf-8")))
def write(path, names, chosen):
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, names, extrasaction="ignore")
        out.writeheader()
        out.writerows({**row, "image": os.path.join(data, row["image"])} for row in chosen)
write(f"{work}/train.csv", ["id", "title", "category", "type", "colour", "image", "split"], [r for r in rows if r["split"] == "train"])
test = [r for r in rows if r["split"] == "test"]
write(f"{work}/test.csv", ["id", "image", "split"], test)
with open(f"{work}/queries.tsv", "w", encoding="utf-8") as q, open(f"{work}/qrels.txt", "w", encoding="utf-8") as r:
    for row in test:
        q.write(f"{row['id']}\t{row['title']}\n")
        r.write(f"{row['id']} 0 {row['id']} 1\n")
PY
mmsearch ingest "$work/train.csv" --allow-outside --format table
mmsearch ingest "$work/test.csv" --allow-outside --format table
mmsearch --quiet embed --format table
mmsearch fuse --method conse --format table
mmsearch fuse --method aligned --format table

judged=(--queries "$work/queries.tsv" --qrels "$work/qrels.txt" --where "split = 'test'" --metric R@1 --metric R@10 --metric RR --split test)
{
  mmsearch --quiet eval search "${judged[@]}" --in aligned --method "aligned"
  mmsearch --quiet eval search "${judged[@]}" --in conse --method "conse (no training)"
} > "$work/eval.jsonl"
echo "Title → own photo among $(wc -l < "$work/queries.tsv") test photos"
python3 examples/table.py "$work/eval.jsonl"
python3 - "$(wc -l < "$work/queries.tsv")" <<'PY'
import sys
n = int(sys.argv[1])
print(f"  chance: R@1 {1 / n:.4f}, R@10 {10 / n:.4f}, RR {sum(1 / r for r in range(1, n + 1)) / n:.4f}")
PY
