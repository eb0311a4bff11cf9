// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
package import MigratezModel

/// A plan that was saved to be applied later, exactly as it is.
///
/// JSON with a format name and version. It says which pipeline file it was made from, with the digest of its meaning, and
/// has fingerprints of both schemas, what is to be created and the forecast. It holds neither secrets nor values of
/// records. Its last member is a digest over all the others, so that a change made by hand is noticed.
package struct PlanFile: Sendable {
    package static let formatName = "migratez-plan"
    package static let formatVersion = 1

    /// Which pipeline file the plan was made from.
    package struct Pipeline: Sendable, Encodable {
        /// Absolute.
        package var path: String
        package var name: String
        /// Of what the file means, with its map files.
        package var digest: String
    }

    /// Everything but the digest, as it stands in the file.
    private struct Content: Encodable {
        var format = formatName
        var version = formatVersion
        var created: String
        var pipeline: Pipeline
        /// So many records of each object at most; absent = all.
        var limit: Int?
        var sourceSchema: SchemaFingerprint
        var targetSchema: SchemaFingerprint
        var forecast: RunForecast
    }

    package let pipeline: Pipeline
    /// So many records of each object at most; `nil` = all.
    package let recordsMax: Int?
    private let sourceSchema: SchemaFingerprint
    private let targetSchema: SchemaFingerprint
    /// What is to be created: `object project`, `Contact.Migratez_Id__c`, `contact_to_company.label: Partner`.
    private let creations: Set<String>
    /// The names of the objects that are to be created.
    private let createdObjects: Set<String>
    /// The names of these fields.
    private let createdFields: Set<String>
    private let content: JSONValue

    /// The plan of a connection whose sides have been asked.
    package init(
        _ connection: PlanConnection, _ setup: RunSetup, _ forecast: RunForecast, now: Timestamp
    ) throws {
        let own = Set(forecast.creations.map(\.field.name))
        let (source, target) = try Self.fingerprints(
            setup, leavingOut: own, objects: Set(forecast.objectCreations.map(\.object)))
        let plan = connection.plan
        let content = Content(
            created: now.description,
            pipeline: Pipeline(path: connection.path, name: plan.name, digest: plan.digest),
            limit: plan.limits.recordsMax, sourceSchema: source, targetSchema: target, forecast: forecast)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let made = PlanFile(try JSONValue(parsing: Array(try encoder.encode(content)))) else {
            throw MigratezError(.internalError, "a plan that was made just now cannot be read")
        }
        self = made
    }

    /// Reads what the file says; `nil` if something is missing.
    private init?(_ content: JSONValue) {
        guard let path = content["pipeline"]?["path"]?.text, let name = content["pipeline"]?["name"]?.text,
            let digest = content["pipeline"]?["digest"]?.text,
            let source = content["sourceSchema"].flatMap(SchemaFingerprint.init),
            let target = content["targetSchema"].flatMap(SchemaFingerprint.init),
            let creations = content["forecast"]?["creations"]?.elements
        else { return nil }
        pipeline = Pipeline(path: path, name: name, digest: digest)
        recordsMax = content["limit"]?.int
        (sourceSchema, targetSchema) = (source, target)
        createdFields = Set(creations.compactMap { $0["field"]?["name"]?.text })
        // A plan of an earlier version knows of none.
        let objects = content["forecast"]?["objectCreations"]?.elements.compactMap { $0["object"]?.text } ?? []
        createdObjects = Set(objects)
        self.creations = Set(objects.map { Self.name(ofObject: $0) }).union(
            creations.flatMap { creation in
                Self.names(
                    creation["object"]?.text ?? "", creation["field"]?["name"]?.text ?? "",
                    options: creation["field"]?["options"]?.elements.compactMap { $0["value"]?.text } ?? [])
            })
        self.content = content
    }

    /// What stands for a creation in `creations`.
    private static func names(_ object: String, _ field: String, options: [String]) -> [String] {
        options.isEmpty ? ["\(object).\(field)"] : options.map { "\(object).\(field): \($0)" }
    }

    private static func name(ofObject object: String) -> String { "object \(object)" }

    /// - Parameters:
    ///   - fields: those that the plan creates, by name: they must not count as a change.
    ///   - objects: those that the plan creates.
    private static func fingerprints(
        _ setup: RunSetup, leavingOut fields: Set<String>, objects: Set<String>
    ) throws -> (SchemaFingerprint, SchemaFingerprint) {
        let sources = Dictionary(setup.sourceSchemas.map { ($0.key.text, $0.value) }) { first, _ in first }
        return (
            try SchemaFingerprint(sources),
            try SchemaFingerprint(setup.targetSchemas, leavingOut: fields, objects: objects)
        )
    }

    // MARK: Files

    /// Writes the plan where only its owner can read it.
    package func save(to path: String) throws {
        let whole = JSONValue.object(content.members + [.init("digest", .string(Self.digest(of: content)))])
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(whole.serialized()) + Data("\n".utf8),
                attributes: [.posixPermissions: 0o600])
        else {
            throw MigratezError(.diskFailed, "cannot write the plan to \(path)", remedy: .fixConfiguration)
        }
    }

    /// Reads a saved plan; `nil` if the file is no plan at all (a pipeline file, for instance).
    ///
    /// - Throws: `planOutdated` if it was changed by hand, is damaged, or of another version.
    package static func read(path: String) throws(MigratezError) -> PlanFile? {
        guard let bytes = try? PipelineFile.contents(of: path),
            bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{"),
            let value = try? JSONValue(parsing: bytes), value["format"]?.text == formatName
        else { return nil }
        guard value["version"]?.int == formatVersion else {
            throw unusable("\(path) is a plan of version \(value["version"]?.text ?? "unknown")")
        }
        let content = JSONValue.object(value.members.filter { $0.key != "digest" })
        guard value["digest"]?.text == digest(of: content) else {
            throw unusable("\(path) was changed after the plan was made")
        }
        guard let plan = PlanFile(content) else { throw unusable("\(path) is damaged") }
        return plan
    }

    private static func digest(of content: JSONValue) -> String {
        "sha256:" + Hex.encode(SHA256.digest(of: content.serialized()))
    }

    private static func unusable(_ what: String) -> MigratezError {
        MigratezError(
            .planOutdated, what, remedy: .fixConfiguration, hint: "make a new one: migratez plan PIPELINE.yaml -o PLAN")
    }

    // MARK: Applying

    /// Fails if the pipeline file or either side is not what the plan was made from, and says what differs.
    package func check(_ connection: PlanConnection, _ setup: RunSetup) throws {
        var differences: [String] = []
        if connection.plan.digest != pipeline.digest {
            differences.append("\(connection.plan.file) says something else than when the plan was made")
        }
        let (source, target) = try Self.fingerprints(setup, leavingOut: createdFields, objects: createdObjects)
        differences += sourceSchema.differences(to: source).map { "\(connection.plan.source.connector): \($0)" }
        differences += targetSchema.differences(to: target).map { "\(connection.plan.target.connector): \($0)" }
        let needed = Set(setup.objectCreations.map { Self.name(ofObject: $0.object) }).union(
            setup.creations.flatMap { Self.names($0.object, $0.field.name, options: $0.field.options.map(\.value)) })
        differences += needed.subtracting(creations).sorted().map {
            "\($0) has to be created, which the plan does not say"
        }
        guard !differences.isEmpty else { return }
        let shown = differences.prefix(20).joined(separator: "\n  ")
        let more = differences.count > 20 ? "\n  and \(differences.count - 20) more" : ""
        throw MigratezError(
            .planOutdated, "the plan does not fit any more:\n  \(shown)\(more)", remedy: .fixConfiguration,
            hint: "look at it again: migratez plan \(pipeline.path)")
    }
}
