// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What a connector can do as a source. `migratez connectors` prints it, and the conformance suite holds the connector to
/// it.
package struct SourceCapabilities: Sendable, Equatable {
    /// The ways in which records are read, the usual one first: `list`, `query`, `bulk2`.
    package var routes: [String]
    /// The one of `routes` that carries a whole object in few requests, if there is one.
    package var bulkRoute: String?
    /// What an object is cut by into slices that are read side by side (`Source.slices`); `nil` = it is read in one piece.
    package var slicedBy: String?
    /// Whether records say when they were last changed without a setting that names the field. A run that goes on from an
    /// earlier one reads everything in any case, and writes what differs.
    package var tellsChanges: Bool
    /// How records tell of their links; `nil` = they do not.
    package var links: String?
    /// Whether files are moved.
    package var movesFiles: Bool
    /// What bounds reading, from the constants that the connector goes by.
    package var limits: [String]

    package init(
        routes: [String], bulkRoute: String? = nil, slicedBy: String? = nil, tellsChanges: Bool, links: String?,
        movesFiles: Bool = false, limits: [String] = []
    ) {
        self.routes = routes
        self.bulkRoute = bulkRoute
        self.slicedBy = slicedBy
        self.tellsChanges = tellsChanges
        self.links = links
        self.movesFiles = movesFiles
        self.limits = limits
    }
}

/// What a connector can do as a destination. `migratez connectors` prints it, and the conformance suite holds the connector
/// to it.
package struct DestinationCapabilities: Sendable, Equatable {
    /// The ways in which rows are written, the usual one first: `collections`, `bulk2`.
    package var routes: [String]
    /// The one of `routes` that carries many rows in few requests, if there is one.
    package var bulkRoute: String?
    /// The field that holds our key, so that a row that is written twice is one record; `nil` = what was written is
    /// told by the destination's own file.
    package var upsertKey: String?
    /// How objects that are missing come into being; `nil` = they must be there. Where the connector has to be asked for
    /// it, a pipeline does so with `create`.
    package var createsObjects: String?
    /// How links are written.
    package var links: String
    /// Whether files are moved.
    package var movesFiles: Bool
    /// Which records keep the time of their creation; `nil` = none do, unless a field of one's own holds it.
    package var createdDate: String?
    /// Whether a run can be undone: records deleted, and earlier values restored.
    package var undoes: Bool
    /// What bounds writing, from the constants that the connector goes by.
    package var limits: [String]

    package init(
        routes: [String], bulkRoute: String? = nil, upsertKey: String?, createsObjects: String? = nil, links: String,
        movesFiles: Bool = false, createdDate: String?, undoes: Bool, limits: [String] = []
    ) {
        self.routes = routes
        self.bulkRoute = bulkRoute
        self.upsertKey = upsertKey
        self.createsObjects = createsObjects
        self.links = links
        self.movesFiles = movesFiles
        self.createdDate = createdDate
        self.undoes = undoes
        self.limits = limits
    }
}
