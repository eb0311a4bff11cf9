// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The kinds of links, each from one object to another, and how often records have them.
package enum LinkKind: Int, Sendable, CaseIterable {
    case contactToCompany, dealToCompany, dealToContact
    case noteToContact, noteToCompany, noteToDeal
    case taskToContact, taskToCompany, taskToDeal
    case callToContact, callToCompany, callToDeal
    case meetingToContact, meetingToCompany, meetingToDeal
    case fileToContact, fileToCompany, fileToDeal, fileToNote
    case emailToContact, emailToCompany, emailToDeal
    case lineItemToDeal
    case leadToContact, leadToCompany

    /// From files to what they hang on.
    package static let ofFiles: [LinkKind] = [.fileToContact, .fileToCompany, .fileToDeal, .fileToNote]

    package var from: CRMObject {
        switch self {
        case .contactToCompany: .contact
        case .dealToCompany, .dealToContact: .deal
        case .noteToContact, .noteToCompany, .noteToDeal: .note
        case .taskToContact, .taskToCompany, .taskToDeal: .task
        case .callToContact, .callToCompany, .callToDeal: .call
        case .meetingToContact, .meetingToCompany, .meetingToDeal: .meeting
        case .fileToContact, .fileToCompany, .fileToDeal, .fileToNote: .file
        case .emailToContact, .emailToCompany, .emailToDeal: .email
        case .lineItemToDeal: .lineItem
        case .leadToContact, .leadToCompany: .lead
        }
    }

    package var to: CRMObject {
        switch self {
        case .dealToContact, .noteToContact, .taskToContact, .callToContact, .meetingToContact, .emailToContact,
            .leadToContact, .fileToContact:
            .contact
        case .contactToCompany, .dealToCompany, .noteToCompany, .taskToCompany, .callToCompany, .meetingToCompany,
            .emailToCompany, .leadToCompany, .fileToCompany:
            .company
        case .noteToDeal, .taskToDeal, .callToDeal, .meetingToDeal, .emailToDeal, .lineItemToDeal,
            .fileToDeal:
            .deal
        case .fileToNote: .note
        }
    }

    /// The kind from one object to the other; `nil` if there is none in this direction.
    package init?(from: CRMObject, to: CRMObject) {
        guard let kind = LinkKind.allCases.first(where: { $0.from == from && $0.to == to }) else { return nil }
        self = kind
    }

    /// Shares of records, in hundredths of a percent, that have a first, a second, a third link.
    var shares: [Int] { LinkKind.sharesByKind[rawValue] }

    /// The names that users gave to links of this kind, and their shares in hundredths of a percent.
    package var labels: [(name: String, share: Int)] { LinkKind.labelsByKind[rawValue] }

    /// Tables, because an array that is written down in a function is made anew for every record.
    private static let sharesByKind = allCases.map(\.declaredShares)
    private static let labelsByKind = allCases.map(\.declaredLabels)

    private var declaredShares: [Int] {
        switch self {
        case .contactToCompany: [8800, 1200, 200]
        case .dealToCompany: [9200, 600]
        case .dealToContact: [8500, 3500, 1000]
        case .noteToContact: [7500, 800]
        case .noteToCompany: [4000]
        case .noteToDeal: [2500]
        case .taskToContact: [7000]
        case .taskToCompany, .taskToDeal: [3000]
        case .callToContact: [9000]
        case .callToCompany: [3000]
        case .callToDeal: [1000]
        case .meetingToContact: [9000, 4000, 2000]
        case .meetingToCompany: [5000]
        case .meetingToDeal: [3000]
        // Which of them a file has is the file's own affair.
        case .fileToContact, .fileToCompany, .fileToDeal, .fileToNote: [10_000]
        case .emailToContact: [9500, 1500]
        case .emailToCompany: [4000]
        case .emailToDeal: [2000]
        case .lineItemToDeal: [9800]
        case .leadToContact: [9000]
        case .leadToCompany: [4000]
        }
    }

    /// Whether the first link of a record is its primary one.
    package var hasPrimary: Bool {
        switch self {
        case .contactToCompany, .dealToCompany, .leadToContact, .leadToCompany: true
        default: false
        }
    }

    private var declaredLabels: [(name: String, share: Int)] {
        switch self {
        case .contactToCompany: [("Billing contact", 500), ("Former employer", 200)]
        case .dealToContact: [("Decision maker", 2000), ("Champion", 1000), ("Budget holder", 500)]
        default: []
        }
    }
}

/// One link of a record.
package struct Link: Sendable, Hashable {
    /// The id that the link leads to.
    package var toID: Int
    /// The index of that record; `nil` if the link dangles.
    package var toIndex: Int?
    package var isPrimary: Bool
    /// Names that users gave to it; one link may have several.
    package var labels: [String]

    package var isDangling: Bool { toIndex == nil }
}
