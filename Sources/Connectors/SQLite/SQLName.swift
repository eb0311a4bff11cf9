// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

extension String {
    /// The name as an identifier of SQL.
    var quotedName: String { "\"" + replacing("\"", with: "\"\"") + "\"" }

    /// Whether SQLite takes the two for the same name: it does not tell ASCII letters by case.
    func isSameName(as other: String) -> Bool { nameKey == other.nameKey }

    /// The same for names that SQLite takes for the same.
    var nameKey: String {
        String(decoding: utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// - Throws: `invalidSetting` if nothing of this name can be made.
    func checkAsNewName(of what: String) throws(MigratezError) {
        guard !isEmpty, !utf8.contains(0), !nameKey.hasPrefix("sqlite_") else {
            throw MigratezError(
                .invalidSetting, "'\(self)' cannot be the name of a \(what)", remedy: .fixConfiguration,
                hint: "names that begin with sqlite_ are SQLite's own")
        }
    }
}
