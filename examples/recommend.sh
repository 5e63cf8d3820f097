#!/usr/bin/env bash
# Every recommender on real shoppers: scientific supplies (the last purchase of each; products that nobody took yet) and MovieLens-100k (one
# moment for everybody). Full ranking, history excluded; the split, with its seed, stands behind every figure.
#   examples/recommend.sh DATA_FOLDER     (scientific/products.jsonl, scientific/events.csv, ml100k/ml-100k.inter, .item, .user)
# With DEEP=1 the networks, too, which train for minutes. With KEEP=FOLDER the two stores stay there, for `mmsearch eval recommend --tune` and `python -m bench.segments FOLDER/ml100k.lancedb`.
set -euo pipefail
data=$(cd "${1:?usage: examples/recommend.sh DATA_FOLDER}" && pwd)
cd "$(dirname "$0")/.." && PATH="$PWD/.venv/bin:$PATH"
work=${KEEP:-}
[ -n "$work" ] || { work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT; }

methods=(
  popular
  "itemcf(directed=false)"
  itemcf # directed where the order of events tells something
  usercf
  ease
  graph
  content
  "cold(base=itemcf)"
  "blend(itemcf=.173, ease=.385, content=.269, popular=.173)" # weights learned by --tune on the scientific data's validation part
)
python -c "import implicit" 2> /dev/null && methods+=(als bpr) || echo "without als and bpr: pip install implicit brings them" >&2
[ -z "${DEEP:-}" ] || methods+=(sasrec twotower)
export MMSEARCH_FEATURES=none # vectors alone
metrics=(--metric HR@20 --metric nDCG@20 --metric MRR@20 --metric coverage@20 --metric novelty@20 --metric diversity@20 --metric gini@20 --metric lift@20)

evaluate() {
  local asked=()
  for method in "${methods[@]}"; do asked+=(--method "$method"); done
  mmsearch --quiet eval recommend "${asked[@]}" "${metrics[@]}" --split "$1" --format table
}

export MMSEARCH_STORE="$work/scientific.lancedb"
mmsearch --quiet ingest "$data/scientific/products.jsonl" --format jsonl
mmsearch --quiet ingest "$data/scientific/events.csv" --format jsonl
mmsearch --quiet embed --format jsonl
# Texts drawn to their brand and category; not to what was bought together, which would know the purchases that are held out.
mmsearch --quiet fuse --method "knowledge(alpha=.7, bought=0, attributes=0, given=0)" --format jsonl > "$work/fused.jsonl"
evaluate "leave-last-out(part=validation)"
evaluate "leave-last-out(part=test)"
evaluate "cold-items(share=.1, seed=0, part=validation)"
evaluate "cold-items(share=.1, seed=0, part=test)"

export MMSEARCH_STORE="$work/ml100k.lancedb"
for part in item inter user; do mmsearch --quiet ingest "$data/ml100k/ml-100k.$part" --format jsonl; done
mmsearch --quiet embed --format jsonl # titles alone
evaluate "temporal(test=.1, validation=.1, part=validation)"
evaluate "temporal(test=.1, validation=.1, part=test)"
