// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The ways in which people enter the same thing a second time.
enum Variation {
    /// Case and spacing; texts with other than ASCII letters only get spaces, so that folding the case undoes it.
    static func text(_ text: String, _ choice: Int) -> String {
        let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
        return switch choice % 4 {
        case 0 where isASCII: text.uppercased()
        case 1 where isASCII: text.lowercased()
        case 2: text + "  "
        default: " " + text
        }
    }
}

/// A phone number: unique among people, in the notation that somebody chose.
struct PhoneNumber {
    private static let areaCodes = [
        201, 202, 206, 212, 213, 214, 215, 216, 303, 305, 310, 312, 313, 314, 315, 317, 401, 402, 404, 407, 408, 410,
        412,
        414, 415, 503, 504, 510, 512, 513, 602, 603, 607, 608, 609, 610, 612, 614, 615, 617,
    ]
    /// Area codes × exchanges (200 to 999 without x11) × lines.
    private static let plan = 40 * 792 * 10_000

    private let area: Int
    private let exchange: Int
    private let line: Int

    /// Two persons below 316,800,000 never share one: the factor is prime and does not divide the plan.
    init(person: Int) {
        let place = person * 179_424_673 % PhoneNumber.plan
        area = PhoneNumber.areaCodes[place / 7_920_000]
        let block = place / 10_000 % 792
        let inHundred = block % 99
        exchange = 200 + block / 99 * 100 + (inHundred < 11 ? inHundred : inHundred + 1)
        line = place % 10_000
    }

    /// One of five notations of the USA, all of the same number.
    func american(_ notation: Int) -> String {
        let last = PhoneNumber.padded(line, 4)
        return switch notation % 5 {
        case 0: "(\(area)) \(exchange)-\(last)"
        case 1: "+1\(area)\(exchange)\(last)"
        case 2: "\(area)-\(exchange)-\(last)"
        case 3: "\(area).\(exchange).\(last)"
        default: "1 \(area) \(exchange) \(last)"
        }
    }

    /// London or Berlin, from the same digits; unique as well.
    func european(isBritish: Bool) -> String {
        let last = PhoneNumber.padded(line, 4)
        return isBritish ? "+44 20 \(area)\(exchange % 10) \(last)" : "+49 30 \(area)\(exchange)\(last)"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: width - digits.utf8.count) + digits
    }
}
