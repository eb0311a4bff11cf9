// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The words that records are made of.
enum Vocabulary {
    static let firstNames = [
        "Ada", "Alan", "Grace", "Edsger", "Barbara", "Donald", "Margaret", "Ken", "Radia", "Tim", "Frances", "Dennis",
        "Katherine", "Niklaus", "Hedy", "Claude", "Karen", "Leslie", "Sophie", "Linus", "Anita", "Bjarne", "Joan",
        "Vint", "Lynn", "Guido", "Evelyn", "Robin", "Shafi", "Tony", "Adele", "Butler", "Zoë", "José", "Søren",
        "Łukasz", "Børge", "Çağla", "François", "Jürgen", "Ірина", "Ольга", "Γιώργος", "Ελένη", "محمد", "فاطمة", "דוד",
        "רות", "美咲", "伟", "지우", "अनन्या", "สมชาย", "Nguyễn",
    ]

    static let lastNames = [
        "Lovelace", "Turing", "Hopper", "Dijkstra", "Liskov", "Knuth", "Hamilton", "Thompson", "Perlman", "Berners-Lee",
        "Allen", "Ritchie", "Johnson", "Wirth", "Lamarr", "Shannon", "Jones", "Lamport", "Wilson", "Torvalds", "Borg",
        "Stroustrup", "Clarke", "Cerf", "Conway", "van Rossum", "Boyd", "Milner", "Goldwasser", "Hoare", "Goldberg",
        "Lampson", "O'Brien", "D'Arcy", "Smith", "Miller", "Garcia", "Nowak", "Müller", "Østergaard", "Škvorecký",
        "Çelik", "Dvořák", "Петренко", "Παπαδόπουλος", "الأحمد", "כהן", "佐藤", "王", "김", "शर्मा", "ศรีสุข", "Trần",
    ]

    /// The names in the letters of an address; the ones that have none become `contact`.
    static let firstSlugs = firstNames.map(slug)
    static let lastSlugs = lastNames.map(slug)

    static let companyNames = [
        "Acme", "Globex", "Initech", "Umbrella", "Hooli", "Stark", "Wayne", "Wonka", "Tyrell", "Cyberdyne", "Soylent",
        "Vandelay", "Oceanic", "Massive", "Aperture", "Nakatomi", "Gringotts", "Monarch", "Zorin", "Virtucon",
    ]
    static let companySuffixes = ["Inc.", "LLC", "GmbH", "Ltd", "& Sons", "S.A.", "AG", "株式会社", "ООО", "Group"]
    static let industries = [
        "COMPUTER_SOFTWARE", "BANKING", "HOSPITAL_HEALTH_CARE", "RETAIL", "CONSTRUCTION", "EDUCATION_MANAGEMENT",
        "FARMING", "LOGISTICS_AND_SUPPLY_CHAIN", "UTILITIES", "NON_PROFIT_ORGANIZATION_MANAGEMENT",
    ]
    static let countries = [
        "USA", "United States", "NO", "Norway", "Germany", "Österreich", "United Kingdom", "France", "日本", "Brazil",
    ]
    static let cities = [
        "San Francisco", "New York", "Oslo", "Köln", "Wien", "London", "Orléans", "東京", "São Paulo", "Winston-Salem",
    ]
    static let states = ["CA", "NY", "Oslo", "NRW", "Wien", "", "Loiret", "東京都", "SP", "NC"]
    static let jobTitles = [
        "CEO", "Head of Sales", "Software Engineer", "Account Manager", "VP, Operations", "Buyer", "Founder & CTO",
        "Geschäftsführer", "営業部長", "Assistant \"to the\" Manager",
    ]
    static let streets = ["Main St", "5th Avenue", "Storgata", "Hauptstraße", "High Street", "Rue de l'Église"]
    static let lifecycleStages = [
        "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
        "other",
    ]
    static let leadStatuses = ["NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT"]
    static let products = ["Platform", "Analytics", "Support", "Onboarding", "Connector", "Archive", "Audit"]
    static let sentences = [
        "Spoke about the renewal and the open questions.", "They asked for a quote for 250 seats.",
        "Sent the contract; legal will answer next week.", "No answer, left a message.",
        "Budget is approved, timeline is not.", "Wants a demo with their security team.",
        "Prefers e-mail over phone calls.", "Moved to another department, new contact to follow.",
        "Price is fine; support hours are the concern.", "Will decide after the board meeting.",
        "Introduced us to the head of procurement.", "Asked whether data can stay in the EU.",
    ]

    /// Text that breaks what is careless: every plane of Unicode, both directions, combining marks, quotes, line breaks.
    static let exotic = [
        "e\u{301}a\u{308}o\u{328}\u{301} combining", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐌰𐌱𐌲", "👩‍👩‍👧‍👦 family 🏳️‍🌈", "שלום \u{202E}abc\u{202C} עולם",
        "مرحبا 123 abc", "𠜎𠜱𠝹 plane two", "\u{30000}\u{3134A} plane three", "\u{40000}\u{5FFFD} unassigned",
        "\u{60000}\u{7FFFD}\u{80000}", "\u{90000}\u{A0000}\u{BFFFD}\u{C0000}\u{D0000}",
        "🏴\u{E0067}\u{E0062}\u{E007F} tags",
        "\u{F0000}\u{10FFFD} private", "zero\u{200B}width\u{FEFF}", "O'Brien \"Bo\" \\ Smith", "semi;colon, comma\tTab",
        "=SUM(1+1)", "Ǆ ǅ ǆ ß ſ İ ı ﬁ", "क्षि ﷽ ก็", "\u{2028}line\u{2029}paragraph", "%00 &amp; <b> {{x}} ${y}",
    ]

    /// The same with control characters, for fields that take any text.
    static let control = [
        "first line\nsecond line", "carriage\r\nreturn", "tab\there", "bell\u{7} escape\u{1B}[31m",
        "\u{1}\u{2}\u{1F}\u{7F}",
        "form\u{C}feed\u{8}back", "c1 \u{85}\u{9F}", " leading and trailing ",
    ]

    private static func slug(_ name: String) -> String {
        let letters = name.lowercased().utf8.filter { (0x61...0x7A).contains($0) }
        return letters.count < 2 ? "contact" : String(decoding: letters, as: UTF8.self)
    }
}

extension Draw {
    /// Free text: mostly ordinary, 3 % exotic or with control characters.
    func freeText(_ question: Int, ordinary: @autoclosure () -> String) -> String {
        switch share(question) {
        case ..<200: pick(Vocabulary.exotic, question + 1)
        case ..<300: pick(Vocabulary.control, question + 1)
        default: ordinary()
        }
    }

    /// A few sentences.
    func sentences(_ question: Int, most: Int) -> String {
        let count = 1 + below(most, question)
        var text = ""
        for place in 0..<count {
            if place > 0 { text += " " }
            text += pick(Vocabulary.sentences, question + 1 + place)
        }
        return text
    }

    /// The value, or `nil` and empty text for shares in hundredths of a percent.
    func maybe(missing: Int, empty: Int = 0, _ question: Int, _ value: @autoclosure () -> String) -> String? {
        let share = share(question)
        return share < missing ? nil : share < missing + empty ? "" : value()
    }
}
