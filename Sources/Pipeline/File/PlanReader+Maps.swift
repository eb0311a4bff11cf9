// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezTransform
import MigratezYAML

/// `values:` and `people:`, with their files.
extension PlanReader {
    mutating func readValueMaps(_ top: Section) -> [String: ValueMapSpec] {
        var maps: [String: ValueMapSpec] = [:]
        for member in entries(top, "values") {
            let path = ["values", member.key]
            let form = FileForm.section(FileKeys.valueMap)
            guard let section = section(member.value, path: path, name: path.joined(separator: "."), form) else {
                continue
            }
            var entries = Dictionary(readMapFile(section, "file"), uniquingKeysWith: { _, last in last })
            for entry in self.entries(section, "map") {
                let name = "\(section.name).map.\(entry.key)"
                if case .scalar(let text) = entry.value.content {
                    entries[entry.key] = text
                } else {
                    _ = scalar(entry.value, name)
                }
            }
            maps[member.key] = ValueMapSpec(entries: entries, otherwise: readOtherwise(section))
        }
        return maps
    }

    private mutating func readOtherwise(_ section: Section) -> ValueMapSpec.Otherwise {
        if let node = section["otherwise"], case .mapping = node.content {
            return self.section(section, "otherwise").flatMap { text($0, "use") }.map { .use($0) } ?? .quarantine
        }
        switch word(section, "otherwise") {
        case "keep": return .keep
        case "drop": return .drop
        default: return .quarantine
        }
    }

    mutating func readPeople(_ top: Section) -> PeopleSpec? {
        guard let section = section(top, "people") else { return nil }
        var people = PeopleSpec(matchesEmail: false)
        people.matchesEmail = word(section, "match") != nil
        for (from, to) in readMapFile(section, "file") {
            guard let from = MatchKey.normalized(from, as: .email), let to = MatchKey.normalized(to, as: .email) else {
                continue
            }
            people.entries[from] = to
        }
        guard let node = section["unmatched"] else { return people }
        if case .mapping = node.content {
            guard let rule = self.section(section, "unmatched"),
                let email = text(rule, "assign").flatMap({ MatchKey.normalized($0, as: .email) })
            else { return people }
            people.unmatched = .assign(email: email, tag: text(rule, "tag"))
        } else {
            _ = word(section, "unmatched")
        }
        return people
    }

    /// The rows of a CSV file with the columns `from` and `to`.
    private mutating func readMapFile(_ section: Section, _ key: String) -> [(String, String)] {
        guard let path = text(section, key) else { return [] }
        let position = section.position(of: key)
        let absolute = absolutePath(path)
        guard let bytes = try? PipelineFile.contents(of: absolute) else {
            report(
                .badMapFile, position, "the file '\(path)' cannot be read",
                remedy: "Paths start from the pipeline file's folder")
            return []
        }
        mapFiles[path] = bytes
        do {
            return try MapFile.rows(of: bytes)
        } catch {
            report(.badMapFile, position, "line \(error.line) of '\(path)': \(error.reason)")
            return []
        }
    }

    /// A path as it is meant: relative ones start from the pipeline file's folder.
    func absolutePath(_ path: String) -> String {
        path.absolutePath(from: folder)
    }
}

extension String {
    /// The path, seen from `folder` if it is relative, in the one way to write it that has no `.`, `..` or `//`.
    func absolutePath(from folder: String) -> String {
        let whole = hasPrefix("/") ? self : "\(folder)/\(self)"
        let standardized = URL(filePath: whole).standardizedFileURL.path(percentEncoded: false)
        return standardized.count > 1 && standardized.hasSuffix("/") ? String(standardized.dropLast()) : standardized
    }
}
