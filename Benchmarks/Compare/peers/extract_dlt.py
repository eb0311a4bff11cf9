# SPDX-License-Identifier: Apache-2.0
"""dlt's own REST source to its file destination: extract_dlt.py URL FOLDER. Compressed with gzip, not encrypted."""

import json
import os
import pathlib
import sys

url, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
os.environ.update({
    "RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder / "state"), "RUNTIME__LOG_LEVEL": "ERROR",
})

import dlt  # noqa: E402  (reads its settings when imported)
from dlt.sources.rest_api import rest_api_source  # noqa: E402

source = rest_api_source({
    "client": {
        "base_url": url + "/crm/v3/",
        "auth": {"type": "bearer", "token": "token"},
        "paginator": {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"},
    },
    "resources": [{
        "name": "contacts",
        "max_table_nesting": 0,
        "endpoint": {"path": "objects/contacts", "params": {"limit": 100}, "data_selector": "results"},
    }],
})
pipeline = dlt.pipeline(
    "bench", pipelines_dir=str(folder / "pipelines"), dataset_name="crm",
    destination=dlt.destinations.filesystem(bucket_url=f"file://{folder / 'files'}"))
pipeline.run(source, loader_file_format="jsonl")
print(json.dumps({"records": pipeline.last_trace.last_normalize_info.row_counts["contacts"]}))
