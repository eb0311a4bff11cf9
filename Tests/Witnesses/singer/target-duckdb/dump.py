#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Prints the rows that target-duckdb wrote, one JSON object a line.

usage: dump.py FOLDER STREAM
"""
import json
import sys

import duckdb

folder, stream = sys.argv[1:]
rows = duckdb.connect(f"{folder}/written.duckdb").execute(f'select * from main."{stream}"')
names = [column[0] for column in rows.description]
for row in rows.fetchall():
    print(json.dumps(dict(zip(names, row))))
