// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Finds its way in the bytes of JSON documents without making values of them.
///
/// Grammar: RFC 8259. Validation comes first and once, where bytes enter; everything else here relies on it for
/// meaning, but stays within the buffer for any bytes at all.
package enum JSONScanner {}
