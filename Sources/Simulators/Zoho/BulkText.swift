// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The CSV of bulk jobs: commas, quotes where they are needed, lines that end with a line feed (RFC 4180 besides).
enum BulkText {
    static func line(_ cells: [String]) -> String {
        cells.map { cell in
            let needsQuotes = cell.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) } || cell.first == " "
            return needsQuotes ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
        }.joined(separator: ",") + "\n"
    }

    /// The lines with their cells; `nil` if a quote is not closed, or text stands behind one.
    static func lines(_ bytes: [UInt8]) -> [[String]]? {
        var lines: [[String]] = []
        var cells: [String] = []
        var cell: [UInt8] = []
        var place = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var isOpen = false
        func endCell() {
            cells.append(String(decoding: cell, as: UTF8.self))
            cell.removeAll(keepingCapacity: true)
        }
        while place < bytes.count {
            isOpen = true
            if cell.isEmpty, bytes[place] == 0x22 {
                place += 1
                while true {
                    guard place < bytes.count else { return nil }
                    if bytes[place] == 0x22 {
                        guard place + 1 < bytes.count, bytes[place + 1] == 0x22 else { break }
                        place += 1
                    }
                    cell.append(bytes[place])
                    place += 1
                }
                place += 1
                guard place == bytes.count || [0x2C, 0x0A, 0x0D].contains(bytes[place]) else { return nil }
                guard place < bytes.count else { continue }
            }
            switch bytes[place] {
            case 0x2C: endCell()
            case 0x0D where place + 1 < bytes.count && bytes[place + 1] == 0x0A: break
            case 0x0A:
                endCell()
                lines.append(cells)
                cells = []
                isOpen = false
            default: cell.append(bytes[place])
            }
            place += 1
        }
        if isOpen {
            endCell()
            lines.append(cells)
        }
        return lines
    }
}
