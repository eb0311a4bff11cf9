# SPDX-License-Identifier: Apache-2.0
"""A tap of the Singer SDK into target-jsonl: extract_singer.py URL FOLDER. Neither compressed nor encrypted.

As is usual with Singer, each of the two has a virtual environment of its own, as they do not agree on what they need.
"""

import json
import pathlib
import subprocess
import sys

url, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
environments = pathlib.Path(sys.executable).parent.parent.parent
folder.mkdir(parents=True)
(folder / "tap.json").write_text(json.dumps({"url": url, "token": "token"}))
(folder / "target.json").write_text(json.dumps({"destination_path": str(folder)}))
with open(folder / "tap.log", "wb") as log:
    tap = subprocess.Popen(
        [sys.executable, pathlib.Path(__file__).parent / "tap_contacts.py", "--config", folder / "tap.json"],
        stdout=subprocess.PIPE, stderr=log)
    target = subprocess.Popen(
        [environments / "bench-venv-target/bin/target-jsonl", "--config", folder / "target.json"],
        stdin=tap.stdout, stdout=log, stderr=log)
    tap.stdout.close()
    if tap.wait() or target.wait():
        sys.exit((folder / "tap.log").read_text()[-2000:])
records = 0
for path in folder.glob("*.jsonl"):
    with open(path, "rb") as lines:
        records += sum(1 for _ in lines)
print(json.dumps({"records": records}))
