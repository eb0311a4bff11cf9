// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransport
import MigratezYAML

/// How objects are written.
extension DefinitionReader {
    /// - Parameters:
    ///   - fields: the names of the fields that every account has.
    ///   - lookups: placeholders whose values are asked for.
    mutating func write(_ node: YAMLNode?, fields: [String], lookups: [String]) -> WritePlan? {
        guard let node, let recordNode = node["record"], let key = node["key"]?.text, let findNode = node["find"],
            let updateNode = node["update"]
        else { return nil }
        let record = body(recordNode)
        checkPlaceholders(record.placeholders, fields + [key], recordNode.position)
        let others = node["others"].map { members($0, "others") }
        if others == nil, !record.placeholders.contains(key), let node = node["key"] {
            check.report(
                .missingKey, node.position, "no part of record holds {\(key)}, so our key would not be written",
                remedy: "Put {\(key)} into record, or say with 'others' where such fields go")
        }
        let upsert = node["upsert"].flatMap { call($0, lookups, needsID: false, givesID: true) }
        let create = node["create"].flatMap { call($0, lookups, needsID: false, givesID: true) }
        if node["upsert"] == nil, node["create"] == nil {
            let _: WritePlan? = missing("create", in: node, "how a new record is written; or 'upsert'")
        }
        let delete = node["delete"].flatMap {
            request($0, allowing: lookups + ["id"], needing: ["id"], otherwise: .delete)
        }
        guard let find = find(findNode, lookups),
            let update = call(updateNode, lookups, needsID: true, givesID: false)
        else { return nil }
        return WritePlan(
            record: record, others: others, key: key,
            keyCreation: node["create_key"].flatMap { request($0, allowing: lookups, otherwise: .post) }, find: find,
            match: node["match"].flatMap { match($0, fields, lookups) }, upsert: upsert, create: create,
            update: update, delete: delete)
    }

    /// - Parameter needed: placeholders that some part of the request must hold.
    private mutating func request(
        _ node: YAMLNode, allowing names: [String], needing needed: [String], otherwise method: HTTPMethod
    ) -> RequestTemplate? {
        guard let request = request(node, allowing: names, otherwise: method) else { return nil }
        for name in needed where !request.placeholders.contains(name) {
            check.report(.missingKey, node.position, "no part of the request holds {\(name)}")
        }
        return request
    }

    private mutating func find(_ node: YAMLNode, _ lookups: [String]) -> WritePlan.Find? {
        let most = node["batch"]?.text.flatMap { Int($0) }
        let placeholder = most == nil ? "key" : "keys"
        guard
            let request = request(
                node, allowing: lookups + [placeholder, "page_size"], needing: [placeholder], otherwise: .get)
        else { return nil }
        return WritePlan.Find(
            request: request, keysMax: most ?? 1, list: members(node["list"] ?? defaults?["list"], "list"),
            record: members(node["record"] ?? defaults?["record"], "record"))
    }

    private mutating func match(_ node: YAMLNode, _ fields: [String], _ lookups: [String]) -> WritePlan.Match? {
        let paging = paging(node["paging"])
        guard let request = request(node, allowing: fields + lookups + ["page_size"] + paging.placeholders) else {
            return nil
        }
        let names = Set(request.placeholders).intersection(fields)
        if names.isEmpty { check.report(.missingKey, node.position, "no part of the request holds a field") }
        return WritePlan.Match(
            list: ListPlan(
                request: request, paging: paging, list: members(node["list"] ?? defaults?["list"], "list"),
                record: members(node["record"] ?? defaults?["record"], "record")), fields: names)
    }

    /// - Parameters:
    ///   - needsID: whether the request has to name the record by its id.
    ///   - givesID: whether the answer has to tell the id of a new record.
    private mutating func call(
        _ node: YAMLNode, _ lookups: [String], needsID: Bool, givesID: Bool
    ) -> WritePlan.Call? {
        let own = needsID ? ["record", "key", "id"] : ["record", "key"]
        guard let batchNode = node["batch"] else {
            if givesID, node["id"] == nil {
                return missing("id", in: node, "where the answer holds the record's id")
            }
            guard
                let request = request(
                    node, allowing: lookups + own, needing: needsID ? ["record", "id"] : ["record"], otherwise: .post)
            else { return nil }
            return WritePlan.Call(request: request, id: path(node["id"]), batch: nil)
        }
        guard let request = request(node, allowing: lookups + ["rows"], needing: ["rows"], otherwise: .post),
            let batch = batch(batchNode, own, needsID: needsID)
        else { return nil }
        return WritePlan.Call(request: request, id: nil, batch: batch)
    }

    private mutating func batch(_ node: YAMLNode, _ own: [String], needsID: Bool) -> RowBatchPlan? {
        let row = node["row"].map { body($0) } ?? .text(TextTemplate(placeholder: "record"))
        if let node = node["row"] { checkPlaceholders(row.placeholders, own, node.position) }
        for name in needsID ? ["record", "id"] : ["record"] where !row.placeholders.contains(name) {
            check.report(.missingKey, (node["row"] ?? node).position, "no part of a row holds {\(name)}")
        }
        let (key, number) = (path(node["key"]), path(node["number"]))
        if key != nil, let node = node["number"] {
            check.report(.conflict, node.position, "rows are told either by our key or by their number")
        }
        guard let mark = key.map({ RowBatchPlan.Mark.key($0) }) ?? number.map({ .number($0) }) else {
            return missing("key", in: node, "which row an element of the answer is about; or 'number'")
        }
        guard let most = node["rows"]?.text.flatMap({ Int($0) }), let results = path(node["results"]),
            let id = path(node["id"])
        else { return nil }
        return RowBatchPlan(
            rowsMax: most, row: row, results: results, failures: path(node["failures"]), mark: mark, id: id,
            code: path(node["code"]), text: path(node["text"]), field: path(node["field"]))
    }
}
