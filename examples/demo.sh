#!/usr/bin/env bash
# `make demo`: the whole pipeline on the sample shop, with the commands that are run.
set -euo pipefail
cd "$(dirname "$0")/.."
export MMSEARCH_STORE=.demo/shop.lancedb
rm -rf .demo && mkdir .demo

step() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@" || { code=$?; [ "$code" = 3 ] || exit "$code"; }; }
[ -t 1 ] || step() { printf '\n$ %s\n' "$*"; "$@" || { code=$?; [ "$code" = 3 ] || exit "$code"; }; }

step mmsearch ingest sample_data/products.csv --format table
step mmsearch ingest sample_data/events.csv --format table
step mmsearch ingest sample_data/reviews.csv --format table
step mmsearch ingest sample_data/searches.csv --format table
step mmsearch ingest sample_data/users.csv --format table
step mmsearch ingest sample_data/knowledge.csv --format table
step mmsearch embed --format table
step mmsearch fuse --format table
step mmsearch info --format table
step mmsearch show SHOE-01 --format table
step mmsearch search "red running shoes" -k 5 --format table
step mmsearch search "红色跑鞋" --where "price < 600" -k 5 --format table
step mmsearch search "running shoes" --where "sentiment > 0" -k 3 --format table
step mmsearch search "blue mug" --in image -k 5 --format table
step mmsearch search --image sample_data/queries/red-shoe.jpg --text "in blue^0.5" -k 5 --format table
step mmsearch search --audio sample_data/queries/bell.wav -k 5 --format table
step mmsearch search --image sample_data/queries/red-shoe.jpg --text "in blue^0.5" --not leather -k 2 --explain --format table
step mmsearch recommend --user "$(awk -F, 'NR == 2 { print $1 }' sample_data/events.csv)" --why -k 5 --format table
step mmsearch eval search --queries sample_data/queries.tsv --qrels sample_data/qrels.tsv --metric nDCG@10 --metric RR@10 --metric R@10 --format table
step mmsearch eval recommend --metric HR@10 --metric nDCG@10 --format table
printf '\nThe store is .demo/shop.lancedb; try your own:\n  export MMSEARCH_STORE=.demo/shop.lancedb\n  .venv/bin/mmsearch search "something warm to drink from"\n'
