// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezModel
import MigratezTransform

/// What one side has.
extension PlanConnection {
    /// The object that was named, or all that the pipeline speaks of on that side.
    package func schemas(of side: PipelineSide, object: String?) async throws -> [ObjectSchema] {
        let spec = plan.transform
        switch side {
        case .source:
            let streams = try object.map { [try Self.stream($0)] } ?? spec.objects.map(\.stream)
            return try await source.discover(streams)
        case .target:
            let junctions = spec.routes.filter { !$0.isLookup }.map(\.object)
            if let object { return try await destination.discover([object]) }
            // What a run would create is not there to be shown, and neither are the links with it.
            let missing = try await missingTargets()
            let without = spec.routes.filter { route in
                [route.from, route.to].contains { spec.object($0).map { missing.contains($0.target) } ?? false }
            }
            return try await destination.discover(
                Set(spec.objects.map(\.target) + junctions).subtracting(missing).subtracting(without.map(\.object))
                    .sorted())
        }
    }

    /// The objects of the destination that the pipeline has created, as far as they are not there yet.
    func missingTargets() async throws -> Set<String> {
        let created = plan.createdTargets
        return created.isEmpty ? [] : Set(try await destination.missing(created))
    }

    /// The objects that the side's account has of its own, whether the pipeline speaks of them or not.
    package func ownObjects(of side: PipelineSide) async throws -> [OwnObject] {
        switch side {
        case .source: try await source.ownObjects()
        case .target: try await destination.ownObjects()
        }
    }

    /// A sample of the fields of one object of a side.
    package func sample(
        _ object: String, of side: PipelineSide, _ schema: ObjectSchema, count: Int, keepsValues: Bool
    ) async throws -> ObjectSample {
        let fields = schema.fields.map(\.name)
        return switch side {
        case .source:
            try await ObjectSample.take(
                from: source, object: try Self.stream(object), fields: fields, count: count, keepsValues: keepsValues)
        case .target:
            try await ObjectSample.take(
                from: destination, object: object, fields: fields, count: count, keepsValues: keepsValues)
        }
    }

    /// The names by which the pipeline knows the objects of a side, in the order of `schemas(of:object:)`.
    package func names(of side: PipelineSide, object: String?, _ schemas: [ObjectSchema]) -> [String] {
        if let object { return [object] }
        return side == .source ? plan.transform.objects.map(\.stream.text) : schemas.map(\.name)
    }

    private static func stream(_ name: String) throws(MigratezError) -> StreamName {
        guard let stream = StreamName(name) else {
            throw MigratezError(
                .invalidSetting, "'\(name)' cannot be the name of an object", remedy: .fixConfiguration,
                hint: "use the name that the pipeline file has under objects, such as contact")
        }
        return stream
    }
}
