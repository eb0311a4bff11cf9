// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import MigratezStaging

/// Where a root key is found.
package enum RootKeyPlace: Sendable, Hashable, CustomStringConvertible {
    /// The key file in the state folder.
    case keyFile
    /// What a pipeline file may say in `staging.key`.
    case reference(Reference)

    /// Reads `${file:/run/keys/root}` and its like; a key itself is never written on a command line.
    package init(parsing text: String) throws(MigratezError) {
        let reason: String
        do throws(ReferenceFailure) {
            if let reference = try ReferenceTemplate(parsing: text).soleReference {
                self = .reference(reference)
                return
            }
            // What was given is not repeated: it may be the key itself.
            reason = "what was given is none"
        } catch { reason = error.message }
        throw MigratezError(
            .invalidSetting, "the root key is named by a reference, but \(reason)", remedy: .fixConfiguration,
            hint: "write '${file:/run/keys/root}', '${cmd:…}', '${env:NAME}' or '${cred:NAME}', in single quotes")
    }

    package var description: String {
        switch self {
        case .keyFile: "the key file in the state folder"
        case .reference(let reference): reference.description
        }
    }

    /// Fetches the key. Relative paths start from the folder that the program works in.
    ///
    /// - Throws: `missingSecret` if the reference leads to nothing, `keyMissing` if there is no key file.
    func rootKey(in workplace: Workplace) async throws(MigratezError) -> RootKey {
        switch self {
        case .keyFile: return .key(try KeyFile.load(workplace.rootKeyPath))
        case .reference(let reference):
            if case .file(let path) = reference { try KeyFile.requireUnexposed(path) }
            let resolver = ReferenceResolver(environment: workplace.environment, folder: ".")
            let text: String
            do throws(ReferenceResolver.Failure) {
                text = try await resolver.text(of: reference)
            } catch {
                throw MigratezError(
                    .missingSecret, "the root key \(reference) cannot be fetched: \(error.reason)",
                    remedy: .fixConfiguration)
            }
            return try Workplace.rootKey(Secret(text))
        }
    }
}
