# SPDX-License-Identifier: Apache-2.0
"""Reads what a simulated Salesforce organisation holds from its database file, without asking the simulator."""

import sqlite3

from values import reading

STAMP = "Migratez_Id__c"


class Organisation:
    def __init__(self, path: str):
        self._database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._database.row_factory = sqlite3.Row
        self.users = {row["Email"]: self._id("005", row["n"]) for row in self._rows("User") if row["IsActive"]}

    def _rows(self, table: str, columns: str = "*"):
        return self._database.execute(f'SELECT {columns} FROM "{table}" WHERE IsDeleted = 0')

    @staticmethod
    def _id(prefix: str, ordinal: int) -> str:
        """The 15 characters of the id that the organisation computes from the ordinal of a record."""
        digits = ""
        while ordinal or not digits:
            ordinal, digit = divmod(ordinal, 62)
            digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[digit] + digits
        return f"{prefix}Mz0{digits:0>9}"

    def records(self, table: str, prefix: str):
        """(our key or None, the 15-character id, the fields)."""
        for row in self._rows(table):
            fields = dict(row)
            if "VersionData" in fields:
                body = fields["VersionData"]
                fields["VersionData"] = hash(reading(body.decode("utf-8"))) if body else None
            yield fields[STAMP], self._id(prefix, fields["n"]), fields

    def pairs(self, table: str, columns: list[str]):
        """The links of a junction, ids cut to their 15 characters."""
        names = ", ".join(columns)
        for row in self._rows(table, names):
            yield tuple(value[:15] if name.endswith("Id") and value else value for name, value in zip(columns, row))
