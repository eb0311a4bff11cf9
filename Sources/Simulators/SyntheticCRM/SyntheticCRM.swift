// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A whole CRM that is computed, not stored: the same seed and counts give the same records on every machine.
///
/// Any record can be asked for in any order at the same cost, so a simulator serves a hundred million contacts from a
/// few bytes of state, and a checker recomputes what must have arrived somewhere else.
///
/// What is in it (shares are of the records of that object):
/// - **Archived** 1 in 101; they have no links and are no one's duplicate.
/// - **Contacts**: 3 % are an earlier person again, with the same e-mail address but for case and outer spaces, and with
///   variants of the name and another notation of the phone number (`duplicateOf`). 4 % have no address, 1 % an empty one,
///   0.5 % one that is none; 2 % have no last name, 0.5 % an empty one. Phones: 6 % none, 1 % empty, 0.5 % not a number,
///   10 % British or German, the rest of the USA in five notations. 5 % were created before 2019.
/// - **Companies**: 1 % are an earlier company again, with the same domain but for case and outer spaces; 6 % have no
///   domain; sizes are skewed, the first company has √(contacts²/companies) contacts.
/// - **Deals**: 99.3 % are in four well-known stages, 0.5 % in the other three, 0.2 % in a second pipeline.
/// - **Notes**: HTML of 60 to 700 bytes, 0.1 % of 60 KB, 0.2 % with a script element.
/// - **Files** (none unless they are asked for): 1 to 40 KB most of them, 1 % 1 to 3 MB, 2 % empty; each hangs on one to
///   three records, none of which dangles.
/// - **E-mails**: 40 % came in; they were sent up to 400 days before they were kept. 2 % have no subject.
/// - **Products and line items**: 5 % of the lines are of no product, 1 % of one that does not exist.
/// - **Owners**: one in seven is inactive; 9 % of the records have no owner, 0.2 % one that does not exist any more.
/// - **Links** (`LinkKind`): 2 % lead to an id that does not exist.
/// - **Text**: about 1 % of names and 3 % of free texts hold characters of every plane of Unicode, right-to-left and
///   combining ones, emoji, quotes, line breaks; free texts also control characters. Empty and missing values are both
///   common and mean different things.
///
/// Ids are unique per object only: contact 1014 and company 1014 are two records. They rise with the index, with gaps.
package struct SyntheticCRM: Sendable {
    package let seed: UInt64
    package let counts: Counts
    let scatters: [[Scatter]]

    package init(seed: UInt64, counts: Counts) {
        self.seed = seed
        self.counts = counts
        scatters = SyntheticCRM.scatters(seed: seed, counts: counts)
    }

    /// How many records there are of each object, archived ones included.
    package struct Counts: Sendable, Hashable {
        package var contacts: Int
        package var companies: Int
        package var deals: Int
        package var notes: Int
        package var tasks: Int
        package var calls: Int
        package var meetings: Int
        package var files: Int
        package var emails: Int
        package var products: Int
        package var lineItems: Int
        package var leads: Int
        package var owners: Int

        package init(
            contacts: Int = 0, companies: Int = 0, deals: Int = 0, notes: Int = 0, tasks: Int = 0, calls: Int = 0,
            meetings: Int = 0, files: Int = 0, emails: Int = 0, products: Int = 0, lineItems: Int = 0, leads: Int = 0,
            owners: Int = 12
        ) {
            self.files = files
            self.contacts = contacts
            self.companies = companies
            self.deals = deals
            self.notes = notes
            self.tasks = tasks
            self.calls = calls
            self.meetings = meetings
            self.emails = emails
            self.products = products
            self.lineItems = lineItems
            self.leads = leads
            self.owners = owners
        }

        /// Splits a total: 45 % contacts, 8 % companies, 12 % deals, 20 % notes, 6 % tasks, 6 % calls, the rest meetings,
        /// and none of the others, to which files come on top; one owner per 2,000 records, at least 12, at most 200.
        package init(records: Int, files: Int = 0) {
            self.files = files
            contacts = records * 45 / 100
            companies = records * 8 / 100
            deals = records * 12 / 100
            notes = records * 20 / 100
            tasks = records * 6 / 100
            calls = records * 6 / 100
            meetings = records - contacts - companies - deals - notes - tasks - calls
            (emails, products, lineItems, leads) = (0, 0, 0, 0)
            owners = min(200, max(12, records / 2000))
        }

        /// The count of one object.
        package subscript(object: CRMObject) -> Int {
            switch object {
            case .contact: contacts
            case .company: companies
            case .deal: deals
            case .note: notes
            case .task: tasks
            case .call: calls
            case .meeting: meetings
            case .file: files
            case .email: emails
            case .product: products
            case .lineItem: lineItems
            case .lead: leads
            }
        }

        /// All records, without owners.
        package var total: Int { CRMObject.allCases.reduce(0) { $0 + self[$1] } }
    }

    package func contact(at index: Int) -> Contact { Contact(self, index) }
    package func company(at index: Int) -> Company { Company(self, index) }
    package func deal(at index: Int) -> Deal { Deal(self, index) }
    package func note(at index: Int) -> Note { Note(self, index) }
    package func task(at index: Int) -> CRMTask { CRMTask(self, index) }
    package func call(at index: Int) -> Call { Call(self, index) }
    package func meeting(at index: Int) -> Meeting { Meeting(self, index) }
    package func file(at index: Int) -> CRMFile { CRMFile(self, index) }
    package func email(at index: Int) -> Email { Email(self, index) }
    package func product(at index: Int) -> Product { Product(self, index) }
    package func lineItem(at index: Int) -> LineItem { LineItem(self, index) }
    package func lead(at index: Int) -> Lead { Lead(self, index) }
}

/// The kinds of records.
package enum CRMObject: Int, Sendable, CaseIterable, Hashable {
    case contact, company, deal, note, task, call, meeting, file, email, product, lineItem, lead

    /// All but files, which most CRMs keep apart from their records.
    package static let allButFiles = allCases.filter { $0 != .file }
}
