#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
"""A tap of singer-sdk whose records come in order: what the SDK then tells in the middle of a stream is a place to begin.

usage: as any tap. Tells 2,500 people, and a state behind each 300; with `batch_config`, files with them.
"""
from datetime import datetime, timedelta, timezone

from singer_sdk import Stream, Tap
from singer_sdk import typing as th

BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)


class People(Stream):
    name = "people"
    primary_keys = ("id",)
    replication_key = "changed"
    is_sorted = True
    STATE_MSG_FREQUENCY = 300
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType, required=True),
        th.Property("changed", th.DateTimeType, required=True),
        th.Property("worth", th.NumberType),
        th.Property("note", th.CustomType({"anyOf": [{"type": "string"}, {"type": "null"}]})),
    ).to_dict()

    def get_records(self, context):
        start = self.get_starting_replication_key_value(context)
        for number in range(1, 2501):
            changed = (BEGIN + timedelta(seconds=number)).isoformat()
            if start is None or changed >= start:
                note = "noted" if number % 2 else None
                yield {"id": number, "changed": changed, "worth": number / 4, "note": note}


class SortedTap(Tap):
    name = "tap-sorted"
    config_jsonschema = th.PropertiesList().to_dict()

    def discover_streams(self):
        return [People(self)]


SortedTap.cli()
