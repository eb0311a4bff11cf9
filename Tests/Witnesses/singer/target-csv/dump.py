#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""Prints the rows that target-csv wrote, one JSON object a line.

usage: dump.py FOLDER STREAM
"""
import csv
import glob
import json
import sys

folder, stream = sys.argv[1:]
for path in sorted(glob.glob(f"{folder}/{stream}-*.csv")):
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            print(json.dumps(row))
