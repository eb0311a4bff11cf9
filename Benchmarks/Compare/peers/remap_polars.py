# SPDX-License-Identifier: Apache-2.0
"""remap_polars.py LINKS.csv IDS.csv OUT.csv: both ends of each link by their new ids."""

import json
import sys

import polars

links, ids, target = sys.argv[1:]
new = polars.read_csv(ids, schema={"source": polars.String, "target": polars.String})
table = polars.read_csv(links, schema={"contact": polars.String, "company": polars.String})
for end in ("contact", "company"):
    table = table.join(new.rename({"source": end, "target": f"{end}_new"}), on=end, how="inner")
table = table.select("contact_new", "company_new")
table.write_csv(target, include_header=False)
print(json.dumps({"links": table.height}))
