#!/usr/bin/env bash
# Judged text search on a real electronics catalogue (Icecat, Chorus judgments): nDCG@10 with linear gain, averaged over
# the queries that have a relevant product; judged@10 tells how much of the top ten was ever judged.
#   examples/electronics.sh DATA_FOLDER     (products.jsonl, queries.tsv, qrels.txt, split.tsv)
set -euo pipefail
data=$(cd "${1:?usage: examples/electronics.sh DATA_FOLDER}" && pwd)
cd "$(dirname "$0")/.." && PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
export MMSEARCH_STORE="$work/electronics.lancedb"

mmsearch ingest "$data/products.jsonl" --format table
mmsearch embed --format table

for part in validation test; do
  awk -v part="$part" 'NR == FNR { if ($2 == part) keep[$1]; next } $1 in keep' "$data/split.tsv" "$data/qrels.txt" > "$work/$part.qrels"
done
cp "$data/qrels.txt" "$work/all.qrels"
for part in validation test all; do
  for method in "words:--weights=text=0,words=1" "vectors:--weights=words=0" "words and vectors:--combine=calibrated"; do
    mmsearch --quiet eval search --queries "$data/queries.tsv" --qrels "$work/$part.qrels" --drop-empty --split "$part" \
      --metric nDCG@10 --metric AP@10 --metric RR@10 --metric judged@10 --method "${method%%:*}" "${method#*:}"
  done
done > "$work/eval.jsonl"
python3 examples/table.py "$work/eval.jsonl"
