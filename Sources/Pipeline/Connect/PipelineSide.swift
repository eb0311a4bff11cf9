// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezTransform

/// The two ends of a pipeline.
package enum PipelineSide: String, Sendable, CaseIterable {
    case source, target
}

extension PlanConnection {
    /// The connector's name.
    package func connector(of side: PipelineSide) -> String {
        switch side {
        case .source: plan.source.connector
        case .target: plan.target.connector
        }
    }

    /// Asks one side who it is, and holds the rights that it gives against what the pipeline needs there.
    package func account(of side: PipelineSide) async throws -> AccountReport {
        let spec = plan.transform
        switch side {
        case .source: return try await source.account(for: spec.objects.map(\.stream))
        case .target:
            let junctions = spec.routes.filter { !$0.isLookup }.map(\.object)
            return try await destination.account(for: Set(spec.objects.map(\.target) + junctions).sorted())
        }
    }
}

extension Workplace {
    /// The same, for one look: a service that cannot be reached is said so at once.
    package var withoutPatience: Workplace {
        var workplace = self
        workplace.http = ImpatientClient(http)
        return workplace
    }
}

extension ConnectionSpec {
    /// The settings as the pipeline file gives them, sorted by path: references stay references.
    package var settingLines: [(path: String, value: String)] {
        settings.sorted { $0.key < $1.key }.map { path, value in
            switch value {
            case .secret(let reference): (path, reference.text)
            case .text(let template, _):
                (
                    path,
                    template.parts.map { part in
                        switch part {
                        case .literal(let text): text
                        case .reference(let reference): reference.text
                        }
                    }.joined()
                )
            }
        }
    }
}

extension Reference {
    /// As it stands in a pipeline file: `${env:NAME}`.
    package var text: String {
        switch self {
        case .environment(let name, default: let fallback): "${env:\(name)\(fallback.map { ":-\($0)" } ?? "")}"
        case .file(let path): "${file:\(path)}"
        case .command(let command): "${cmd:\(command)}"
        case .credential(let name): "${cred:\(name)}"
        }
    }
}
