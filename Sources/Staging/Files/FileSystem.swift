// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What staging asks of a file system, so that tests can put one in its place that fails.
///
/// Contract: everything is created for the owner only (0700, 0600); no path's last part is followed if it is a link;
/// calls are synchronous and may block. Failures are `diskFull` or `diskFailed`, with the path and the system's reason.
/// The manifest is not behind it: SQLite has its own layer.
package protocol FileSystem: Sendable {
    /// Creates the folder and those above it that are missing; one that exists must be a folder and no link.
    func createFolder(_ path: String) throws(MigratezError)
    /// Opens a file; see `OpenMode`.
    func open(_ path: String, _ mode: OpenMode) throws(MigratezError) -> any OpenFile
    /// Renames within one folder, replacing what has the new name; durable after `syncFolder`.
    func rename(_ path: String, to newPath: String) throws(MigratezError)
    /// Unlinks the file, if it is there; durable after `syncFolder`.
    func remove(_ path: String) throws(MigratezError)
    /// Removes an empty folder, if it is there.
    func removeFolder(_ path: String) throws(MigratezError)
    /// Makes created, renamed and removed names of the folder durable (fsync(2) of the folder).
    func syncFolder(_ path: String) throws(MigratezError)
    /// What lies in the folder, in no order; nothing if it is not there.
    func list(_ path: String) throws(MigratezError) -> [FolderEntry]
    /// The length of the file in bytes; nil if there is no such file.
    func length(_ path: String) throws(MigratezError) -> Int?
}

/// How a file is opened.
package enum OpenMode: Sendable {
    /// It must not exist; for writing (O_EXCL).
    case new
    /// It must exist; for reading.
    case reading
    /// It must exist; for reading and for writing in place.
    case updating
}

/// One name in a folder.
package struct FolderEntry: Sendable, Hashable {
    package var name: String
    package var isFolder: Bool
    /// The length in bytes of a file.
    package var bytes: Int

    package init(name: String, isFolder: Bool, bytes: Int) {
        self.name = name
        self.isFolder = isFolder
        self.bytes = bytes
    }
}

/// An open file; closed with its last reference. One task uses it at a time.
package protocol OpenFile: AnyObject, Sendable {
    /// Reads up to the buffer's length from `offset` on; 0 = the end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(MigratezError) -> Int
    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(MigratezError)
    /// Makes what was written durable. After a failure the file is abandoned: the kernel may have dropped the pages and
    /// say nothing the next time (https://lwn.net/Articles/752063/), so it is never called again on this file.
    func sync() throws(MigratezError)
    /// The length in bytes.
    func length() throws(MigratezError) -> Int
}
