// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform
import MigratezYAML

/// Walks the tree of a pipeline file and makes the plan of it, going on after every finding so that all are reported.
///
/// Each part of the file has a file of its own (`PlanReader+Objects.swift`, …); `PlanReader+Values.swift` has what all
/// of them read values with. A value that could not be read is replaced by something harmless: a plan with findings
/// is never handed out.
struct PlanReader {
    let file: String
    let folder: String
    let catalog: ConnectorCatalog
    let scalars: ScalarText
    var diagnostics: [Diagnostic] = []
    var marks = PlanMarks()
    /// What is known of the file when its objects are read.
    var vars: [String: String] = [:]
    var valueMaps: [String: ValueMapSpec] = [:]
    var delta = DeltaSpec()
    var targetConnector: String?
    /// Contents of map files, for the digest.
    var mapFiles: [String: [UInt8]] = [:]

    init(file: String, folder: String, text: String, catalog: ConnectorCatalog) {
        self.file = file
        self.folder = folder
        self.catalog = catalog
        scalars = ScalarText(text)
    }

    mutating func readPlan(_ root: YAMLNode) -> PipelinePlan? {
        guard let top = section(root, path: [], name: "the pipeline", .section(FileKeys.pipeline)) else { return nil }
        readVersion(top)
        let name = readName(top)
        let source = top["source"].flatMap { readConnection($0, side: .source) }
        let target = top["target"].flatMap { readConnection($0, side: .target) }
        targetConnector = target?.connector
        vars = readVars(top)
        valueMaps = readValueMaps(top)
        let people = readPeople(top)
        delta = readDelta(top)
        let objects = readObjects(top)
        let links = readLinks(top, objects: objects)
        var transform = TransformSpec(objects: objects, links: links, values: valueMaps, people: people, vars: vars)
        if people == nil, objects.contains(where: { $0.fields.contains { $0.isPerson } }) {
            transform.people = PeopleSpec()
        }
        let streams = objects.map(\.stream)
        let staging = readStaging(top)
        let limits = readLimits(top)
        let retention = readRetention(top)
        checkRecipients(staging, retention)
        let gates = readGates(top, streams: streams)
        let verify = readVerify(top)
        let tests = readTests(top, objects: objects, source: source)
        guard !diagnostics.hasErrors, let name, let source, let target else { return nil }
        return PipelinePlan(
            file: file, folder: folder, name: name, source: source, target: target, staging: staging, limits: limits,
            retention: retention, transform: transform, gates: gates, delta: delta, verify: verify, tests: tests,
            digest: PlanDigest.digest(of: root, mapFiles: mapFiles), marks: marks, scalars: scalars)
    }

    private mutating func readVersion(_ top: Section) {
        guard let text = text(top, "migratez"), text != "1" else { return }
        report(
            .notSupported, top.position(of: "migratez"), "version '\(text)' of the pipeline file is not known",
            remedy: "Write 'migratez: 1'")
    }

    private mutating func readName(_ top: Section) -> String? {
        guard let name = text(top, "name") else { return nil }
        guard StreamName(name) != nil else {
            report(
                .wrongForm, top.position(of: "name"), "the name '\(name)' becomes part of file names",
                remedy: "Use \(FileKeys.nameForm)")
            return nil
        }
        return name
    }

    private mutating func readVars(_ top: Section) -> [String: String] {
        var vars: [String: String] = [:]
        for entry in entries(top, "vars") {
            if let value = scalar(entry.value, "vars.\(entry.key)") { vars[entry.key] = value }
        }
        return vars
    }
}
