// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezExtract
import MigratezLoad
package import MigratezModel
package import MigratezTransform

/// What both sides say about themselves before anything is moved, held against the plan.
package struct RunSetup: Sendable {
    package var sourceSchemas: [StreamName: ObjectSchema]
    package var targetSchemas: [String: ObjectSchema]
    /// Objects that have to be created in the destination first.
    package var objectCreations: [ObjectCreation]
    /// Fields that have to be created in the destination before anything is loaded, once the objects are there.
    package var creations: [FieldCreation]
    package var people: PeopleMap
    /// How many records there are by the source's own estimate, where it has one; for progress and for choosing a route.
    package var totals: [StreamName: Int]
    /// What the plan and the schemas do not agree on.
    package var diagnostics: [Diagnostic]
    /// For each link that is written by itself: its fields for the two ends. A deferred lookup has one for the to-end
    /// only.
    var junctionFields: [StreamName: (from: String, to: String)]

    /// Asks both sides; changes nothing.
    package static func discover(
        _ plan: PipelinePlan, source: any Source, destination: any Destination
    ) async throws -> RunSetup {
        let spec = plan.transform
        let streams = spec.objects.map(\.stream)
        let discovered = try await source.discover(streams)
        let sourceSchemas = Dictionary(zip(streams, discovered)) { first, _ in first }
        var targets = spec.objects.map(\.target)
        for route in spec.routes where !route.isLookup { targets.append(route.object) }
        targets = Array(Set(targets)).sorted()
        let (objectCreations, findings) = try await missingObjects(plan, sourceSchemas, destination)
        let discoveredTargets = try await destination.discover(targets, after: objectCreations)
        let targetSchemas = Dictionary(discoveredTargets.map { ($0.name, $0) }) { first, _ in first }
        var creations: [FieldCreation] = []
        for name in targets {
            guard let schema = targetSchemas[name] else { continue }
            for creation in destination.requirements(of: schema) where !creations.contains(creation) {
                creations.append(creation)
            }
        }
        for creation in try await missingLabels(spec, targetSchemas, source, destination)
        where !creations.contains(creation) {
            creations.append(creation)
        }
        var totals: [StreamName: Int] = [:]
        for stream in streams { totals[stream] = try await source.estimatedCount(of: stream) }
        var setup = RunSetup(
            sourceSchemas: sourceSchemas, targetSchemas: targetSchemas, objectCreations: objectCreations,
            creations: creations, people: PeopleMap(), totals: totals,
            diagnostics: (findings
                + SchemaCheck.check(plan, sources: sourceSchemas, targets: targetSchemas, creating: creations))
                .inFileOrder,
            junctionFields: [:])
        if let people = spec.people {
            setup.people = try PeopleMap(
                people, source: try await source.people(), destination: try await destination.people())
        }
        for route in spec.routes where !route.isLookup {
            setup.junctionFields[route.stream] = try setup.ends(of: route, spec, destination)
        }
        return setup
    }

    /// The objects that the plan has created, as far as the destination lacks them, and what is wrong with them.
    private static func missingObjects(
        _ plan: PipelinePlan, _ sources: [StreamName: ObjectSchema], _ destination: any Destination
    ) async throws -> ([ObjectCreation], [Diagnostic]) {
        let wanted = plan.wantedObjects(sources)
        guard !wanted.isEmpty else { return ([], []) }
        let missing = Set(try await destination.missing(wanted.map(\.creation.object)))
        var creations: [ObjectCreation] = []
        var findings: [Diagnostic] = []
        for (stream, object) in wanted where missing.contains(object.object) {
            do throws(MigratezError) {
                creations.append(try destination.creation(of: object))
            } catch {
                // The rest of the plan is checked as if it were there, so that everything is told at once.
                creations.append(object)
                findings.append(
                    Diagnostic(
                        file: plan.file, position: plan.marks[["objects", stream.text, "create"]], severity: .error,
                        code: error.code, message: error.message,
                        remedy: error.hint.map { $0.prefix(1).uppercased() + $0.dropFirst() }))
            }
        }
        return (creations, findings)
    }

    /// The labels of links that the source has and the destination lacks, where the pipeline carries labels.
    private static func missingLabels(
        _ spec: TransformSpec, _ targets: [String: ObjectSchema], _ source: any Source, _ destination: any Destination
    ) async throws -> [FieldCreation] {
        var labels: [String: [String: Set<String>]] = [:]
        for link in spec.links {
            guard case .junction(let object) = link.form else { continue }
            for (field, attribute) in link.map where attribute == .label {
                for to in link.to {
                    let known = try await source.linkLabels(from: link.from, to: to)
                    labels[object, default: [:]][field, default: []].formUnion(known)
                }
            }
        }
        var creations: [FieldCreation] = []
        for (object, fields) in labels.sorted(by: { $0.key < $1.key }) {
            guard let schema = targets[object] else { continue }
            for (field, labels) in fields.sorted(by: { $0.key < $1.key }) where !labels.isEmpty {
                creations += destination.requirements(ofLabels: labels.sorted(), in: field, of: schema)
            }
        }
        return creations
    }

    /// The fields of the source's records that the run needs: those that the pipeline reads, and those that tell of
    /// their content.
    func sourceFields(of object: ObjectSpec) -> [String] {
        guard object.content != nil, let content = sourceSchemas[object.stream]?.content else {
            return object.sourceFields
        }
        let more = content.versionFields + [content.sizeField].compactMap(\.self)
        return Set(object.sourceFields + more).sorted()
    }

    /// How the contents of an object's records are read; `nil` = they are not moved.
    func contentRequest(of object: ObjectSpec) throws(MigratezError) -> ContentExtraction.Request? {
        guard let content = object.content else { return nil }
        guard let schema = sourceSchemas[object.stream]?.content else {
            throw MigratezError(
                .incompatibleTypes, "'\(object.stream)' has no content in the source", remedy: .fixConfiguration)
        }
        let bounds = [content.bytesMax, targetSchemas[object.target]?.content?.bytesMax].compactMap(\.self)
        return ContentExtraction.Request(stream: object.stream, schema: schema, bytesMax: bounds.min())
    }

    /// The fields that point to the two ends of a link.
    private func ends(
        of route: LinkRoute, _ spec: TransformSpec, _ destination: any Destination
    ) throws(MigratezError) -> (from: String, to: String) {
        if let field = route.field { return ("", field) }
        guard let from = spec.object(route.from)?.target, let to = spec.object(route.to)?.target else {
            throw MigratezError(.invalidPipeline, "a link leads to an object that the pipeline does not have")
        }
        guard let junction = targetSchemas[route.object], !junction.isOpen else { return ("from", "to") }
        let fromField = junction.reference(to: destination.referenceName(of: from), except: nil)
        let toField = junction.reference(to: destination.referenceName(of: to), except: fromField)
        guard let fromField, let toField else {
            throw MigratezError(
                .invalidPipeline, "\(route.object) has no fields that point to \(from) and to \(to)",
                remedy: .fixConfiguration, hint: "name another object in `as:` of the link \(route.from) → \(route.to)")
        }
        return (fromField, toField)
    }
}

extension ObjectSchema {
    /// The field that refers to `object`; one that refers to nothing else is preferred.
    fileprivate func reference(to object: String, except other: String?) -> String? {
        fields.filter { $0.refersTo.contains(object) && $0.name != other && $0.isCreateable }
            .min { $0.refersTo.count < $1.refersTo.count }?.name
    }
}

extension LinkRoute {
    /// The destination's object that the link is written to.
    var object: String {
        switch form {
        case .lookup(let object, _): object
        case .junction(let object): object
        }
    }
}

extension PipelinePlan {
    /// Where and how the ready records of a stream are written.
    func loadTarget(_ object: ObjectSpec, source: String) -> LoadTarget {
        var target = LoadTarget(
            stream: object.stream, object: object.target, keyPrefix: "\(source)-\(object.stream)-",
            matches: object.targetMatches.map { rule in
                LoadTarget.MatchRule(
                    keys: rule.keys,
                    action: {
                        switch rule.onMatch {
                        case .fillBlanks: .fillBlanks
                        case .overwrite: .overwrite
                        case .skip: .skip
                        }
                    }())
            },
            parents: parents(transform.routes.filter { $0.from == object.stream && $0.isLookup }.map(\.to), source))
        target.content = object.content.map {
            LoadTarget.Content(field: $0.target, shredsSpent: retention.spentChunks == .shred)
        }
        target.conflictRules = ConflictRules(byDefault: object.onConflict)
        for field in object.fields { target.conflictRules.byField[field.target] = field.onConflict }
        return target
    }

    /// Where and how the records of a link are written; of a lookup that is written with its record, those links that came
    /// too late for that.
    func loadTarget(_ route: LinkRoute, source: String) -> LoadTarget {
        var target = LoadTarget(
            stream: route.stream, object: route.object, keyPrefix: "\(source)-\(route.stream)-", isLink: true,
            fieldOf: route.field == nil ? nil : route.from, isLate: route.isLookup,
            parents: parents([route.from, route.to], source))
        target.conflictRules = ConflictRules(byDefault: transform.object(route.from)?.onConflict ?? delta.onConflict)
        return target
    }

    private func parents(_ streams: [StreamName], _ source: String) -> [StreamName: LoadTarget.Parent] {
        var parents: [StreamName: LoadTarget.Parent] = [:]
        for stream in streams {
            guard let object = transform.object(stream) else { continue }
            parents[stream] = LoadTarget.Parent(object: object.target, keyPrefix: "\(source)-\(stream)-")
        }
        return parents
    }
}
