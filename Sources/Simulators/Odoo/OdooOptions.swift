// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// How a simulated Odoo database behaves.
package struct OdooOptions: Sendable {
    /// Somebody with a login.
    package struct User: Sendable {
        package var login: String
        package var name: String
        package var isActive: Bool

        package init(login: String, name: String, isActive: Bool = true) {
            self.login = login
            self.name = name
            self.isActive = isActive
        }
    }

    /// The server's major version: from 19 on there is JSON-2; before, JSON-RPC alone.
    package var version = 19
    package var databaseName = "acme"
    /// The API keys that are taken; `nil` takes any.
    package var keys: Set<String>?
    /// When the keys stop being taken; `nil` = never. Odoo lets keys of ordinary users live for three months at most.
    package var keysExpireAt: Timestamp?
    /// Besides the administrator, who is the user of every key.
    package var users: [User] = []
    /// Models that the key's user may not read.
    package var deniedModels: Set<String> = []
    /// The longest request, 128 MiB unless `web.max_file_upload_size` is another.
    package var bodyBytesMax = 128 << 20
    /// Models of applications that are not installed.
    package var missingModels: Set<String> = []
    /// The file that holds the database; `nil` = a temporary one.
    package var database: String?
    package var clock: any WallClock = SystemWallClock()

    package init() {}
}
