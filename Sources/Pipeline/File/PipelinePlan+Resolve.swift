// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

/// What the references of a plan lead to.
package struct ResolvedSettings: Sendable {
    package var source: ConnectorSettings
    package var target: ConnectorSettings
    /// The root key's secret; `nil` if the plan names none.
    package var stagingKey: Secret?
}

extension PipelinePlan {
    /// Fetches everything that the plan refers to. A missing secret is a finding; all of them come together.
    package func resolve(
        with resolver: ReferenceResolver
    ) async -> (settings: ResolvedSettings?, diagnostics: [Diagnostic]) {
        var diagnostics: [Diagnostic] = []
        let source = await resolve(source, side: "source", resolver, &diagnostics)
        let target = await resolve(target, side: "target", resolver, &diagnostics)
        let (key, findings) = await resolveStagingKey(with: resolver)
        diagnostics += findings
        guard !diagnostics.hasErrors else { return (nil, diagnostics.inFileOrder) }
        return (ResolvedSettings(source: source, target: target, stagingKey: key), diagnostics)
    }

    /// Fetches the secret that the plan names as root key; `nil` if it names none.
    func resolveStagingKey(with resolver: ReferenceResolver) async -> (key: Secret?, diagnostics: [Diagnostic]) {
        guard let reference = staging.key else { return (nil, []) }
        var diagnostics: [Diagnostic] = []
        let key = await secret(reference, path: ["staging", "key"], resolver, &diagnostics)
        return (key, diagnostics)
    }

    private func resolve(
        _ connection: ConnectionSpec, side: String, _ resolver: ReferenceResolver, _ diagnostics: inout [Diagnostic]
    ) async -> ConnectorSettings {
        var texts: [String: String] = [:]
        var secrets: [String: Secret] = [:]
        for (name, value) in connection.settings.sorted(by: { $0.key < $1.key }) {
            let path = [side] + name.split(separator: ".").map(String.init)
            switch value {
            case .secret(let reference): secrets[name] = await secret(reference, path: path, resolver, &diagnostics)
            case .text(let template, let kind):
                guard let text = await self.text(template, kind, path: path, resolver, &diagnostics) else { continue }
                texts[name] = text
            }
        }
        for (name, value) in connection.settings {
            guard case .text(_, .path) = value, let path = texts[name] else { continue }
            // Paths start from the connection's own folder where it has one, and that from the pipeline file's.
            if name == "dir" || texts["dir"] == nil { texts[name] = path.absolutePath(from: folder) }
        }
        return ConnectorSettings(texts: texts, secrets: secrets)
    }

    private func secret(
        _ reference: Reference, path: [String], _ resolver: ReferenceResolver, _ diagnostics: inout [Diagnostic]
    ) async -> Secret? {
        do {
            return Secret(try await resolver.text(of: reference))
        } catch {
            diagnostics.append(missing(error, path))
            return nil
        }
    }

    private func text(
        _ template: ReferenceTemplate, _ kind: SettingSpec.Kind, path: [String], _ resolver: ReferenceResolver,
        _ diagnostics: inout [Diagnostic]
    ) async -> String? {
        do {
            let text = try await resolver.text(of: template)
            if let value = SettingForm.normalized(text, kind: kind) { return value }
            diagnostics.append(
                Diagnostic(
                    file: file, position: marks[path], severity: .error, code: .wrongForm,
                    message: "\(path.joined(separator: ".")) must be \(SettingForm.description(of: kind)), "
                        + "which its reference does not give"))
        } catch {
            diagnostics.append(missing(error, path))
        }
        return nil
    }

    private func missing(_ failure: ReferenceResolver.Failure, _ path: [String]) -> Diagnostic {
        Diagnostic(
            file: file, position: marks[path], severity: .error, code: .missingSecret,
            message: "\(path.joined(separator: ".")) has no value: \(failure.reason)")
    }
}
