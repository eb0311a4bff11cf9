// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// Objects that a pipeline asks for and the destination lacks.
extension DestinationConformance {
    static func checkObjects(_ subject: some DestinationSubject) async throws {
        guard subject.destinationCapabilities.createsObjects != nil else { return try await checkRefusal(subject) }
        guard let wanted = subject.creation else {
            // They come into being by themselves: nothing is missing, whatever is asked for.
            let destination = try subject.makeDestination()
            try require(
                try await destination.missing([subject.object, "never_heard_of"]).isEmpty, "an object is missing")
            return try await destination.create([])
        }
        let destination = try subject.makeDestination()
        let missing = try await destination.missing([subject.object, wanted.object])
        try require(missing == [wanted.object], "\(missing) are missing, not \(wanted.object)")
        let creation = try destination.creation(of: wanted)
        try require(creation.displayField != nil, "nothing names a record of \(wanted.object)")
        let planned = try await destination.discover([subject.object, wanted.object], after: [creation])
        try require(planned.map(\.name) == [subject.object, wanted.object], "\(planned.map(\.name)) are planned")
        try require(try await subject.makeDestination().missing([wanted.object]) == missing, "planning created it")

        try await destination.create([creation])
        try await destination.prepare(destination.requirements(of: planned[1]))
        // As another process does that knows of nothing.
        let other = try subject.makeDestination()
        try await other.create([creation])
        try require(try await other.missing([wanted.object]).isEmpty, "\(wanted.object) is missing still")
        let found = try await other.discover([wanted.object])[0]
        try require(other.requirements(of: found).isEmpty, "something is missing of \(wanted.object)")
        for field in wanted.fields {
            let there = found.field(field.name)
            try require(
                there?.kind == field.kind && there?.isCreateable == true,
                "\(field.name) is \(there?.kind.rawValue ?? "not there"), not \(field.kind.rawValue)")
        }
        try await checkRows(of: wanted, other)
    }

    private static func checkRows(of object: ObjectCreation, _ destination: any Destination) async throws {
        let text = object.fields.first { $0.kind == .text }
        guard let text else { throw ConformanceFailure("the subject asks for an object without a text") }
        let rows = (1...5).map { number in
            Batch.Row(key: "conformance-\(number)", fields: Array(#"{"\#(text.name)":"Text \#(number)"}"#.utf8))
        }
        let batch = Batch(object: object.object, rows: rows)
        let receipts = try await destination.put(batch)
        try require(receipts.allSatisfy(\.isCreated), "rows of \(object.object) are not created")
        let again = try await destination.put(batch)
        try require(again.allSatisfy(\.isUpdated), "rows of \(object.object) are doubled")
        let values = try await destination.values(object.object, receipts.compactMap(\.id), [text.name])
        try require(Set(values.values.compactMap { $0[text.name] }).count == 5, "rows do not read as they were written")
    }

    /// A destination that creates none says so by the object's name, with a way out.
    private static func checkRefusal(_ subject: some DestinationSubject) async throws {
        let wanted = ObjectCreation(
            object: "never_heard_of", label: "Thing", plural: "Things",
            fields: [FieldSchema(name: "name", label: "Name", kind: .text)])
        let destination = try subject.makeDestination()
        let errors = [
            try await requireError("planning an object that cannot be created") {
                _ = try destination.creation(of: wanted)
            },
            try await requireError("creating an object that cannot be created") {
                try await destination.create([wanted])
            },
        ]
        for error in errors {
            try require(error.code == .notSupported && error.hint != nil, "an object is refused by \(error)")
            try require(error.message.contains("'\(wanted.object)'"), "'\(error.message)' does not name the object")
        }
    }
}
