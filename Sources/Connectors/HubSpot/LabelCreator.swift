// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Creates labels of links from one object to another; each has the same words in both directions.
///
/// Source: developers.hubspot.com, "Associations schema", `POST …/labels`.
struct LabelCreator: Sendable {
    let connection: HubSpotConnection
    let object: LinkObject

    /// The labels that links of the object cannot have yet, as a plan lists them.
    static func missing(_ labels: [String], of object: ObjectSchema) -> [FieldCreation] {
        let known = Set(object.field(LinkObject.labelField)?.options.map(\.value) ?? [])
        let options = labels.filter { !known.contains($0) }.map { FieldSchema.Option(value: $0, label: $0) }
        guard !options.isEmpty else { return [] }
        return [
            FieldCreation(
                object: object.name,
                field: FieldSchema(
                    name: LinkObject.labelField, label: "Label", kind: .choice, isUpdateable: false, options: options,
                    isRestricted: true))
        ]
    }

    /// Creates the labels that are not there yet.
    ///
    /// - Throws: `permissionMissing` if the token may not; `requestRefused` if HubSpot takes no more of them, or not this
    ///   one.
    func create(_ labels: [String]) async throws {
        for label in labels where try await !current().contains(label) {
            let body: JSONValue = ["label": .string(label), "name": .string(Self.name(of: label))]
            do {
                // One that is there already is refused, so a lost call may be sent again.
                _ = try await connection.client.write(
                    .post, path, body.serialized(), class: "schema", isRepeatable: true)
            } catch let error as MigratezError {
                if error.callRefused?.isAboutRows == true, try await current().contains(label) { continue }
                throw Self.explained(error, label, object)
            }
        }
    }

    private var path: String { connection.paths.linkLabels(object.from.type, object.to.type) }

    private func current() async throws -> Set<String> {
        let types = try await HubSpotCatalog(connection).results(path, []).map { LinkType($0) }
        return Set(types.filter(\.isLabel).compactMap(\.label))
    }

    private static func explained(_ error: MigratezError, _ label: String, _ object: LinkObject) -> MigratezError {
        switch error.code {
        case .permissionMissing:
            MigratezError(
                .permissionMissing, "the token may not create labels of \(object.name)", remedy: .fixConfiguration,
                hint: error.hint ?? "give the app the scopes crm.schemas.*.write, or create the labels by hand",
                cause: error)
        case .requestRefused:
            MigratezError(
                .requestRefused, "HubSpot does not take '\(label)' as a label of \(object.name)",
                remedy: .fixConfiguration,
                hint: "the number of labels between two objects is limited: look at Settings, Objects, Associations",
                cause: error)
        default: error
        }
    }

    /// What requests call the label: ASCII letters and digits as they are, in lower case, any other byte as `_` and its
    /// number, so that two labels that differ in more than case have two names.
    static func name(of label: String) -> String {
        "migratez_"
            + label.utf8.map { byte in
                let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                guard !isPlain else { return String(UnicodeScalar(byte)).lowercased() }
                return "_" + String(byte, radix: 16)
            }.joined()
    }
}
