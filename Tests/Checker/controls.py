# SPDX-License-Identifier: Apache-2.0
"""Damage that the checker must notice: one that finds nothing proves nothing unless it would have found something."""

import sqlite3
import tempfile

#: what went wrong, the file that shows it, the statement that makes it so
DAMAGES = [
    ("a contact is lost", "org", "UPDATE Contact SET IsDeleted = 1 WHERE n = (SELECT max(n) FROM Contact)"),
    ("a company is there twice", "org", """
        INSERT INTO Account (Name, IsDeleted, Migratez_Id__c)
        SELECT Name, 0, Migratez_Id__c FROM Account WHERE n = 1"""),
    ("a record came from nowhere", "org", "INSERT INTO Account (Name, IsDeleted) VALUES ('Stray', 0)"),
    ("two contacts changed places", "org", """
        UPDATE Contact SET Migratez_Id__c = CASE n WHEN (SELECT min(n) FROM Contact)
            THEN (SELECT Migratez_Id__c FROM Contact ORDER BY n DESC LIMIT 1)
            ELSE (SELECT Migratez_Id__c FROM Contact ORDER BY n LIMIT 1) END
        WHERE n IN ((SELECT min(n) FROM Contact), (SELECT max(n) FROM Contact))"""),
    ("a text lost its last character", "org", """
        UPDATE Contact SET LastName = substr(LastName, 1, length(LastName) - 1)
        WHERE n = (SELECT n FROM Contact WHERE length(LastName) > 3 LIMIT 1)"""),
    ("a letter changed its case", "org", """
        UPDATE Account SET Name = upper(Name) WHERE n = (SELECT n FROM Account WHERE Name LIKE 'Acme%' LIMIT 1)"""),
    ("a value went missing", "org", """
        UPDATE Opportunity SET Amount = NULL WHERE n = (SELECT n FROM Opportunity WHERE Amount > 0 LIMIT 1)"""),
    ("a cent is off", "org", """
        UPDATE Opportunity SET Amount = Amount + 0.01
        WHERE n = (SELECT n FROM Opportunity WHERE Amount > 0 LIMIT 1)"""),
    ("a day moved", "org", """
        UPDATE Opportunity SET CloseDate = date(CloseDate, '+1 day') WHERE n = (SELECT max(n) FROM Opportunity)"""),
    ("a contact has another's company", "org", """
        UPDATE Contact SET AccountId = (SELECT max(AccountId) FROM Contact)
        WHERE n = (SELECT n FROM Contact WHERE AccountId < (SELECT max(AccountId) FROM Contact) LIMIT 1)"""),
    ("a record has another owner", "org", """
        UPDATE Account SET OwnerId = (SELECT max(OwnerId) FROM Account)
        WHERE n = (SELECT n FROM Account WHERE OwnerId < (SELECT max(OwnerId) FROM Account) LIMIT 1)"""),
    ("a note has another's text", "org", """
        UPDATE ContentVersion SET VersionData = CAST('<p>x</p>' AS BLOB) WHERE n = (SELECT max(n) FROM ContentVersion)"""),
    ("a role is lost", "org", """
        UPDATE OpportunityContactRole SET IsDeleted = 1 WHERE n = (SELECT max(n) FROM OpportunityContactRole)"""),
    ("a role lost its label", "org", """
        UPDATE OpportunityContactRole SET Role = NULL
        WHERE n = (SELECT max(n) FROM OpportunityContactRole WHERE Role IS NOT NULL)"""),
    ("a note's link is lost", "org", """
        UPDATE ContentDocumentLink SET IsDeleted = 1
        WHERE n = (SELECT max(n) FROM ContentDocumentLink WHERE LinkedEntityId NOT LIKE '005%')"""),
    ("an outcome is missing", "manifest", """
        DELETE FROM records WHERE stream = 2 AND ordinal = (SELECT max(ordinal) FROM records WHERE stream = 2)"""),
    ("a rejected record counts as created", "manifest", """
        UPDATE records SET outcome = 1 WHERE stream = 2
        AND ordinal = (SELECT max(ordinal) FROM records WHERE stream = 2 AND outcome = 6)"""),
    ("a link has no outcome", "manifest", """
        DELETE FROM records WHERE stream = (SELECT number FROM streams WHERE name = 'deal-to-contact')
        AND ordinal = (SELECT min(ordinal) FROM records
            WHERE stream = (SELECT number FROM streams WHERE name = 'deal-to-contact'))"""),
    ("a write was left open", "manifest", """
        INSERT INTO batches (stream, chunk_sequence, first_line, last_line, route, state, opened_at)
        VALUES (1, 1, 0, 0, 'collections', 'ambiguous', 0)"""),
]


def blind_spots(org: str, manifest: str, check) -> list[str]:
    """The damages that `check(org, manifest)` does not notice, one a line."""
    missed = []
    for title, file, statement in DAMAGES:
        with tempfile.TemporaryDirectory() as folder:
            copy = f"{folder}/copy.sqlite"
            _copy(org if file == "org" else manifest, copy)
            with sqlite3.connect(copy) as database:
                changed = database.execute(statement).rowcount
            database.close()
            if changed < 1:
                missed.append(f"control '{title}' found nothing to damage")
            elif not (check(copy, manifest) if file == "org" else check(org, copy)):
                missed.append(f"control '{title}' was not noticed")
    print(f"controls: {len(DAMAGES) - len(missed)} of {len(DAMAGES)} damages noticed")
    return missed


def _copy(source: str, target: str) -> None:
    """A copy of a database that may be open elsewhere, without its unique indexes: damage may break their rules."""
    origin, copy = sqlite3.connect(f"file:{source}?mode=ro", uri=True), sqlite3.connect(target)
    with copy:
        origin.backup(copy)
    for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%UNIQUE%'").fetchall():
        copy.execute(f'DROP INDEX "{name}"')
    copy.close()
    origin.close()
