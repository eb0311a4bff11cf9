// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
package import MigratezModel
import MigratezRESTConnector

/// A new pipeline file: two connections, and a mapping between what they have. A proposal for a person to look at.
package struct PipelineDraft: Sendable {
    package var source: String
    package var target: String
    /// By dotted path, as they will stand in the file: references stay references.
    package var sourceSettings: [String: String]
    package var targetSettings: [String: String]
    /// - Throws: `invalidSetting` if there is no such connector.
    package init(
        from source: String, to target: String, sourceSettings: [String: String], targetSettings: [String: String]
    ) throws(MigratezError) {
        for (name, known, role) in [
            (source, Connectors.catalog.sources, "source"), (target, Connectors.catalog.destinations, "destination"),
        ] where known[name] == nil {
            throw MigratezError(
                .unknownConnector, "there is no \(role) connector '\(name)'", remedy: .fixConfiguration,
                hint: "there are: \(known.keys.sorted().joined(separator: ", "))")
        }
        self.source = source
        self.target = target
        self.sourceSettings = sourceSettings
        self.targetSettings = targetSettings
    }

    /// What describes the source, if it is none of the program's own and is known yet.
    private func definition() throws(MigratezError) -> RESTDefinition? {
        try Connectors.definition(of: source, file: sourceSettings["definition"])
    }

    /// What has to be said about a side before its connection can be tried.
    package func missing(of side: PipelineSide) -> [ConnectionTemplate.Need] {
        switch side {
        case .source:
            // What is wrong with the file of a definition is said when it is used.
            ConnectionTemplate.of(source, .source, given: sourceSettings, definition: try? definition())
                .missing(in: sourceSettings)
        case .target:
            ConnectionTemplate.of(
                target, .target, given: targetSettings,
                definition: try? Connectors.definition(of: target, file: targetSettings["definition"])
            ).missing(in: targetSettings)
        }
    }

    /// Why an answer cannot be the value of a setting, as the end of a sentence; `nil` if it can. Never repeats the
    /// answer, which may be a secret that somebody typed.
    package func problem(with answer: String, at path: String, of side: PipelineSide) -> String? {
        guard !answer.isEmpty else { return "needs an answer" }
        let specs = side == .source ? Connectors.catalog.sources[source] : Connectors.catalog.destinations[target]
        let parts = path.split(separator: ".").map(String.init)
        guard let spec = specs?.first(where: { PlanReader.matches($0.path, parts, isPrefix: false) }) else {
            return nil
        }
        let reference = "must be a reference, such as ${env:NAME} or ${file:/path}"
        guard let template = try? ReferenceTemplate(parsing: answer) else { return reference }
        if case .secret = spec.kind {
            return template.soleReference == nil ? reference + "; a secret is never written down" : nil
        }
        guard let literal = template.literal, SettingForm.normalized(literal, spec) == nil else { return nil }
        return "must be \(SettingForm.description(of: spec))"
    }

    /// Sets what was answered.
    package mutating func set(_ path: String, of side: PipelineSide, to value: String) {
        switch side {
        case .source: sourceSettings[path] = value
        case .target: targetSettings[path] = value
        }
    }

    /// Fills what is missing with what stands in most files: references to environment variables.
    package mutating func fillInSuggestions() {
        for side in PipelineSide.allCases {
            // An answer may open the next question.
            while let need = missing(of: side).first { set(need.path, of: side, to: need.suggestion) }
        }
    }

    // MARK: Making the file

    /// The text of the file, with a mapping made from what both sides say about themselves.
    ///
    /// - Parameters:
    ///   - file: where it will lie; relative paths in it start from there.
    ///   - objects: the objects of the source to map; `nil` = the usual ones.
    package func connectedText(
        for file: String, objects: [String]?, in workplace: Workplace
    ) async throws -> String {
        let connection = try await PlanConnection.open(try probe(file), path: file, in: workplace)
        let definition = try definition()
        let streams = try streams(objects)
        let names = Set(streams.compactMap { ObjectPairs.target(of: $0.text, in: target)?.object }).sorted()
        let reader = connection.source.named(by: streams.map { ($0, origin(of: $0)) })
        let sources = Array(zip(streams, try await reader.discover(streams)))
        let hasLinks = { (from: StreamName, to: StreamName) in
            reader.linkBatchSize(from: from, to: to) != nil && self.mayLink(from, to, sources, definition)
        }
        let targets = try await connection.destination.discover(names + junctions(streams, hasLinks))
        // Where anything is taken, objects come into being without being asked for.
        let creates = Connectors.catalog.creators.contains(target) && targets.contains { !$0.isOpen }
        let others = try await others(
            reader, connection.destination, besides: streams.map { origin(of: $0).text }, creates: creates)
        let text = text(sources: sources, targets: targets, hasLinks: hasLinks)
        return try checked(text + others, file)
    }

    /// Comments that name the objects which an account has of its own and nothing is proposed for.
    ///
    /// - Parameter creates: whether a run can create them in the destination.
    private func others(
        _ reader: any Source, _ destination: any Destination, besides streams: [String], creates: Bool
    ) async throws -> String {
        var text = ""
        for side in PipelineSide.allCases {
            let vendor = side == .source ? source : target
            do {
                let own = side == .source ? try await reader.ownObjects() : try await destination.ownObjects()
                let rest = own.filter { side == .target || !streams.contains($0.name) }
                guard !rest.isEmpty else { continue }
                text += "# Objects of the account's own making in \(vendor), for which nothing is proposed:\n"
                for object in rest { text += "#   \(object.name)   (\(DraftText.comment(object.label)))\n" }
                if side == .source, creates {
                    text += "# With `create: true` below an object, a run creates it where \(target) lacks it.\n"
                }
            } catch let error as MigratezError where error.code == .permissionMissing {
                text += "# Whether \(vendor) has objects of the account's own making could not be seen.\n"
            }
        }
        return text
    }

    /// The text of the file, with a mapping of what every account of these vendors has.
    package func offlineText(for file: String = "pipeline.yaml", objects: [String]?) throws(MigratezError) -> String {
        let definition = try definition()
        let streams = try streams(objects)
        var names: [String] = []
        for stream in streams {
            if let name = ObjectPairs.target(of: stream.text, in: target)?.object, !names.contains(name) {
                names.append(name)
            }
        }
        let sources = streams.map { stream in
            (
                stream,
                definition?.standardSchema(of: stream) ?? StandardSchemas.source(origin(of: stream).text, of: source)
            )
        }
        let text = text(
            sources: sources,
            targets: names.map { name in
                StreamName(name).flatMap { ShippedDefinitions.all[target]?.writtenSchema(of: $0) }
                    ?? StandardSchemas.target(name, of: target)
            },
            hasLinks: { mayLink($0, $1, sources, definition) })
        return try checked(text, file)
    }

    /// A CRM links everything with everything, so the links that are proposed lead to what stands before in the list of
    /// objects: companies first, activities last. Files have the links that their settings name, and no others.
    private func mayLink(
        _ from: StreamName, _ to: StreamName, _ sources: [(stream: StreamName, schema: ObjectSchema)],
        _ definition: RESTDefinition?
    ) -> Bool {
        if let definition { return definition.linksRecords(of: from, to: to) }
        switch source {
        case "hubspot": return isBefore(to, from, sources)
        case "salesforce", "pipedrive", "dynamics", "odoo", "zoho":
            if ObjectPairs.isJoined(from: origin(of: from), to: origin(of: to), in: source) { return true }
            // An account names its primary contact, who names the account.
            if source == "dynamics", !isBefore(to, from, sources) { return false }
            let fields = sources.first { $0.stream == from }?.schema.fields ?? []
            return fields.contains { $0.kind == .reference && $0.refersTo.contains(origin(of: to).text) }
        default: return sourceSettings.keys.contains { $0.hasPrefix("objects.\(from).links.\(to).") }
        }
    }

    /// The source's own name of what a stream reads.
    private func origin(of stream: StreamName) -> StreamName {
        CRMVocabulary.form(ofStream: stream.text, in: source).flatMap { StreamName($0.object) } ?? stream
    }

    /// Whether the one stands before the other in the list of objects.
    private func isBefore(
        _ one: StreamName, _ other: StreamName, _ sources: [(stream: StreamName, schema: ObjectSchema)]
    ) -> Bool {
        guard let place = sources.firstIndex(where: { $0.stream == one }),
            let later = sources.firstIndex(where: { $0.stream == other })
        else { return false }
        return place < later
    }

    /// The objects of the destination that join two others, so far as its own words for them have to be known.
    private func junctions(_ streams: [StreamName], _ hasLinks: (StreamName, StreamName) -> Bool) -> [String] {
        guard target == "hubspot" || target == "zoho" else { return [] }
        var names: Set<String> = []
        for from in streams {
            for to in streams where from != to && hasLinks(from, to) {
                guard let start = ObjectPairs.target(of: from.text, in: target)?.object,
                    let end = ObjectPairs.target(of: to.text, in: target)?.object,
                    let name = ObjectPairs.junction(from: start, to: end, in: target)
                else { continue }
                names.insert(name)
            }
        }
        return names.sorted()
    }

    /// The text, if it is in order: settings that were given may be of the wrong form.
    private func checked(_ text: String, _ file: String) throws(MigratezError) -> String {
        _ = try PipelineFile.read(
            text: text, file: file, folder: PipelineFile.folder(of: file), catalog: Connectors.catalog
        ).get()
        return text
    }

    private func streams(_ objects: [String]?) throws(MigratezError) -> [StreamName] {
        var streams: [StreamName] = []
        let usual = ObjectPairs.streams(of: source, settings: sourceSettings, definition: try definition())
        // Of what every account of a vendor has, the other one may lack a kind.
        let hasForms = !CRMVocabulary.forms(of: source).isEmpty
        let proposed = hasForms ? usual.filter { ObjectPairs.target(of: $0, in: target) != nil } : usual
        for name in objects ?? proposed {
            guard let stream = StreamName(name) else {
                throw MigratezError(
                    .invalidSetting, "'\(name)' cannot be the name of an object", remedy: .fixConfiguration)
            }
            guard ObjectPairs.target(of: name, in: target) != nil else {
                throw MigratezError(
                    .notSupported, "nothing is known of what '\(name)' becomes in \(target)", remedy: .fixConfiguration,
                    hint: "leave it out here (--objects), and add it to the file by hand")
            }
            streams.append(stream)
        }
        return streams
    }

    /// A plan with the connections and next to nothing else, to ask both sides with.
    private func probe(_ file: String) throws(MigratezError) -> PipelinePlan {
        let objects = ObjectPairs.streams(of: source, settings: sourceSettings, definition: try definition())
        let object = objects.first ?? "object"
        let text = DraftText(draft: self, mapping: nil).header + "objects: { \(object): { to: X, fields: { X: x } } }\n"
        return try PipelineFile.read(
            text: text, file: file, folder: PipelineFile.folder(of: file), catalog: Connectors.catalog
        ).get()
    }

    private func text(
        sources: [(StreamName, ObjectSchema)], targets: [ObjectSchema],
        hasLinks: @escaping (StreamName, StreamName) -> Bool
    ) -> String {
        var drafter = MappingDrafter(
            sourceConnector: source, targetConnector: target, sources: sources.map { (stream: $0.0, schema: $0.1) },
            targets: Dictionary(targets.map { ($0.name, $0) }) { first, _ in first }, hasLinks: hasLinks)
        return DraftText(draft: self, mapping: drafter.make()).whole
    }
}
