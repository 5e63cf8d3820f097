"""Prints the JSON Lines that `mmsearch eval` writes as one table: python3 examples/table.py FILE…"""

import json
import sys

rows = [json.loads(line) for path in sys.argv[1:] for line in open(path, encoding="utf-8")]
measures = list(dict.fromkeys(name for row in rows for name in row["measures"]))
width = max(len(row["method"]) for row in rows)
print(f"  {'method':<{width}}  {'queries':>7}  " + "  ".join(f"{name:>9}" for name in measures) + "  split")
for row in rows:
    values = "  ".join(f"{row['measures'].get(name, float('nan')):9.4f}" for name in measures)
    print(f"  {row['method']:<{width}}  {row['queries']:>7}  {values}  {row['split'] or ''}")
