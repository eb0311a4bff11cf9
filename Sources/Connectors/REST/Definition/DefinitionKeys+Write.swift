// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The keys of an object's section `write`.
extension DefinitionKeys {
    private static func request(_ methods: [String]) -> [DefinitionKey] {
        [
            .init("method", .words(methods), "default \(methods[0])"),
            .init("path", .template, isRequired: true, "below base_url"),
            .init("query", .entries(.template), "items of the query; one whose placeholder has no value is left out"),
            .init("body", .body, "the JSON of the request; what has no value is left out"),
        ]
    }

    static let write = DefinitionSection(
        name: "object.write",
        keys: [
            .init(
                "record", .body, isRequired: true,
                "what a record is in a request; placeholders are the object's fields"),
            .init("others", .path, "where fields go that record does not name, by their own names; a dot = beside it"),
            .init("key", .text, isRequired: true, "the field that holds our row key; no two records may share a value"),
            .init("create_key", .section(keyCreation), "creates that field; without it, somebody must"),
            .init("find", .section(find), isRequired: true, "looks records up by our keys"),
            .init("match", .section(match), "looks records of others up; placeholders are fields"),
            .init("upsert", .section(call), "creates a record, or updates the one that has {key}"),
            .init("create", .section(call), "creates a record; needed without upsert"),
            .init("update", .section(call), isRequired: true, "updates the record {id}"),
            .init("delete", .section(delete), "deletes the record {id}; without it, no run can be undone"),
        ])

    static let keyCreation = DefinitionSection(
        name: "object.write.create_key", keys: request(["POST", "PUT", "PATCH"]))

    static let find = DefinitionSection(
        name: "object.write.find",
        keys: request(["GET", "POST"]) + [
            .init("batch", .count(least: 1), "so many keys in a request as {keys}; without it, {key}, one a request"),
            .init("list", .path, "where the records are in the answer"),
            .init("record", .path, "where the record is in an element of the list; default: it is the element"),
        ])

    static let match = DefinitionSection(
        name: "object.write.match",
        keys: request(["GET", "POST"]) + [
            .init("list", .path, "where the records are in the answer"),
            .init("record", .path, "where the record is in an element of the list; default: it is the element"),
            .init("paging", .section(paging), "how pages follow each other; default: there is one"),
        ])

    static let call = DefinitionSection(
        name: "object.write.upsert, create, update",
        keys: request(["POST", "PUT", "PATCH"]) + [
            .init("id", .path, "upsert, create: where the answer holds the record's id"),
            .init("batch", .section(batch), "several rows in a request, as {rows}; without it, one as {record}"),
        ])

    static let batch = DefinitionSection(
        name: "object.write.batch",
        keys: [
            .init("rows", .count(least: 2), isRequired: true, "the most rows of a request"),
            .init("row", .body, "what a row is in {rows}, of {record}, {key} and {id}; default {record}"),
            .init("results", .path, isRequired: true, "the list of what became of the rows"),
            .init("failures", .path, "the list of the rows that were refused, if it is another one"),
            .init("key", .path, "where an element of a list holds our key"),
            .init("number", .path, "or the row's number in the request, from 0"),
            .init("id", .path, isRequired: true, "where a result holds the record's id; one without it is a refusal"),
            .init("code", .path, "where a refusal holds the vendor's code"),
            .init("text", .path, "where it says why"),
            .init("field", .path, "where it names the fields concerned"),
        ])

    static let delete = DefinitionSection(name: "object.write.delete", keys: request(["DELETE", "POST"]))
}
