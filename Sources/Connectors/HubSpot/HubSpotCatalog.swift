// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Objects, their properties, and owners, as the account describes them.
struct HubSpotCatalog: Sendable {
    let client: HubSpotClient
    let paths: HubSpotPaths

    init(_ connection: HubSpotConnection) {
        client = connection.client
        paths = connection.paths
    }

    /// The object with its properties, those that it moves through a pipeline with included.
    func schema(of object: HubSpotObject) async throws -> ObjectSchema {
        let custom = object.isCustom ? try await customObject(object) : nil
        let properties = try await propertyList(of: object)
        var fields = HubSpotObject.recordMembers + properties.compactMap { FieldSchema(property: $0) }
        for place in fields.indices where custom?.requiredProperties.contains(fields[place].name) == true {
            fields[place].isRequired = true
        }
        if let pipeline = object.pipelineProperty, let stage = object.stageProperty {
            let pipelines = try await results(paths.pipelines(object.type), [])
            for i in fields.indices {
                if fields[i].name == pipeline { fields[i].take(options: pipelines.compactMap { option($0) }) }
                if fields[i].name == stage { fields[i].take(options: stageOptions(pipelines)) }
            }
        }
        return ObjectSchema(name: object.type, label: custom?.label ?? object.label, fields: fields)
    }

    /// A custom object's bare name is none that requests take, so whoever writes it is told the right one.
    private func propertyList(of object: HubSpotObject) async throws -> [JSONValue] {
        do {
            return try await results(paths.properties(object.type), [("archived", "false")])
        } catch let error as MigratezError where error.callRefused?.isAboutRows == true && !object.isCustom {
            let own = try? await customObjects().first { $0.name == object.type }
            guard let own else { throw error }
            throw MigratezError(
                .invalidSetting, "'\(object.type)' is the name of a custom object, by which HubSpot finds nothing",
                remedy: .fixConfiguration, hint: "write \(own.fullyQualifiedName) or \(own.typeID)", cause: error)
        }
    }

    /// Owners, and those who were one: only the list of the archived ones has them.
    func people() async throws -> [Person] {
        var people: [Person] = []
        var known: Set<String> = []
        for isArchived in [false, true] {
            var after: String?
            var seen: Set<String> = []
            repeat {
                var query = [("limit", "100"), ("archived", isArchived ? "true" : "false")]
                if let after { query.append(("after", after)) }
                let answer = try await value(paths.owners, query)
                for owner in answer["results"]?.elements ?? [] {
                    guard let id = owner["id"]?.text, known.insert(id).inserted else { continue }
                    people.append(Person(id: id, email: owner["email"]?.text, isActive: !isArchived))
                }
                after = answer["paging"]?["next"]?["after"]?.text
                if let after, !seen.insert(after).inserted {
                    throw MigratezError(
                        .cursorLoop, "HubSpot's list of owners leads back to a page that was read already",
                        remedy: .retry(after: nil))
                }
            } while after != nil
        }
        return people
    }

    /// The elements of `results` in the answer.
    func results(_ path: String, _ query: [(String, String)]) async throws -> [JSONValue] {
        guard case .array(let results)? = try await value(path, query)["results"] else {
            throw MigratezError(
                .brokenResponse, "HubSpot's answer to \(path) holds no list", remedy: .retry(after: nil))
        }
        return results
    }

    private func value(_ path: String, _ query: [(String, String)]) async throws -> JSONValue {
        try await client.value(path, query, class: "schema")
    }

    private func option(_ value: JSONValue) -> FieldSchema.Option? {
        guard let id = value["id"]?.text else { return nil }
        return .init(value: id, label: value["label"]?.text ?? id, isActive: value["archived"]?.bool != true)
    }

    /// The stages of all pipelines; where there are several, the label says which one.
    private func stageOptions(_ pipelines: [JSONValue]) -> [FieldSchema.Option] {
        pipelines.flatMap { pipeline in
            (pipeline["stages"]?.elements ?? []).compactMap { stage in
                var option = option(stage)
                if pipelines.count > 1, let name = pipeline["label"]?.text { option?.label += " (\(name))" }
                return option
            }
        }
    }
}

extension FieldSchema {
    /// A property as the properties API describes it; `nil` if it has no name.
    init?(property: JSONValue) {
        guard let name = property["name"]?.text else { return nil }
        let isReadOnly =
            property["modificationMetadata"]?["readOnlyValue"]?.bool == true || property["calculated"]?.bool == true
        let options = (property["options"]?.elements ?? []).compactMap { option -> Option? in
            guard let value = option["value"]?.text else { return nil }
            return Option(
                value: value, label: option["label"]?.text ?? value, isActive: option["hidden"]?.bool != true)
        }
        let isOwner = property["referencedObjectType"]?.text == "OWNER"
        let isProduct = name == HubSpotObject.productProperty
        let kind = FieldSchema.kind(
            property["type"]?.text, property["fieldType"]?.text, name, isReference: isOwner || isProduct)
        let hasOptions = kind == .choice || kind == .choices
        self.init(
            name: name, label: property["label"]?.text ?? name, kind: kind, isCreateable: !isReadOnly,
            isUpdateable: !isReadOnly, isUnique: property["hasUniqueValue"]?.bool == true,
            lengthMax: kind == .text || kind == .longText ? 65_536 : nil, options: hasOptions ? options : [],
            isRestricted: hasOptions && property["externalOptions"]?.bool != true,
            refersTo: isOwner ? ["owner"] : isProduct ? ["product"] : [])
    }

    /// Puts better options in place of those that the property lists.
    mutating func take(options: [Option]) {
        kind = .choice
        self.options = options
        isRestricted = true
    }

    private static func kind(_ type: String?, _ fieldType: String?, _ name: String, isReference: Bool) -> Kind {
        if isReference { return .reference }
        switch type {
        case "bool": return .bool
        case "date": return .date
        case "datetime": return .dateTime
        case "number": return .decimal
        case "phone_number": return .phone
        case "enumeration": return fieldType == "checkbox" ? .choices : .choice
        case "string":
            switch fieldType {
            case "textarea", "html": return .longText
            case "phonenumber": return .phone
            default: return name == "email" ? .email : .text
            }
        default: return .other
        }
    }
}
