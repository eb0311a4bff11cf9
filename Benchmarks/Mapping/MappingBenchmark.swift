// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezMeasuring
import MigratezModel
import MigratezTransform

/// Speed of indexing and mapping HubSpot-shaped contacts by rules like those of `pipelines/hubspot-to-salesforce.yaml`.
@main
enum MappingBenchmark {
    static let repeats = 100

    static func main() throws {
        let records = contacts(count: 10_000)
        for (name, fields, filter) in [
            ("index only", [], nil),
            ("pass-through, 8 fields", passedThrough, nil), ("contact rules, 8 fields", contactRules, filterText),
        ] as [(String, [FieldSpec], String?)] {
            try measure(name, records, try mapper(fields, where: filter))
        }
        for (name, expression) in expressions {
            try measure("one expression: \(name)", records, try mapper([try field(expression)], where: nil))
        }
    }

    /// One of each kind of work that expressions do: what one costs is the difference to "index only".
    private static let expressions = [
        ("field", "lastname"), ("comparison of texts", "lifecyclestage == 'customer'"),
        ("date and constant", "createdate >= timestamp(vars.cutoff)"), ("joined names", "firstname + ' ' + lastname"),
        ("arithmetic", "number(hs_object_id) * 1.19 + 2"), ("day in a zone", "date(createdate, 'Europe/Berlin')"),
        ("form of a date", "formatDate(createdate, 'dd.MM.yyyy HH:mm')"), ("phone", "phone(phone, 'US')"),
        ("e-mail", "emailDomain(email)"), ("one of five", "country in ['AUT', 'CAN', 'DEU', 'FRA', 'USA']"),
        ("digest", "sha256(email)"), ("markup", "htmlText(notes)"),
    ]

    private static func field(_ expression: String) throws -> FieldSpec {
        FieldSpec(target: "T", origin: .expression(try RecordExpression(parsing: expression)))
    }

    private static let filterText = "createdate >= timestamp(vars.cutoff) && !archived"

    private static var passedThrough: [FieldSpec] {
        [
            "lastname", "firstname", "email", "phone", "jobtitle", "city", "hs_email_optout", "hubspot_owner_id",
        ].map { FieldSpec(target: $0, origin: .field($0)) }
    }

    private static var contactRules: [FieldSpec] {
        var fields = passedThrough
        if let name = try? RecordExpression(parsing: "has(lastname) ? lastname : emailLocal(email)") {
            fields[0].origin = .expression(name)
        }
        fields[0].isTrimmed = true
        fields[0].charactersMax = 80
        fields[1].isTrimmed = true
        fields[2].letterCase = .lower
        fields[2].type = .email
        fields[3].phoneRegion = "US"
        fields[6].type = .bool
        return fields
    }

    private static func mapper(_ fields: [FieldSpec], where filter: String?) throws -> RecordMapper {
        guard let stream = StreamName("contact") else { preconditionFailure("a valid name") }
        let object = ObjectSpec(
            stream: stream, target: "Contact", filter: try filter.map { try RecordExpression(parsing: $0) },
            fields: fields)
        let spec = TransformSpec(objects: [object], vars: ["cutoff": "2019-01-01T00:00:00Z"])
        let run = RunVariables(started: Timestamp(milliseconds: 0), id: "00000000", pipeline: "benchmark")
        return try RecordMapper(object, context: MappingContext(spec: spec, run: run))
    }

    private static func measure(_ name: String, _ records: [[UInt8]], _ mapper: RecordMapper) throws {
        var index = RecordIndex(fields: "properties")
        var writer = JSONWriter()
        var mapped = 0
        var bytes = 0
        let start = ProcessCost.cpuSeconds
        for _ in 0..<repeats {
            for record in records {
                try record.withUnsafeBufferPointer { record in
                    try index.index(record)
                    writer.removeAll()
                    if mapper.map(index, record, into: &writer) == .mapped { mapped += 1 }
                    bytes += record.count
                }
            }
        }
        let seconds = ProcessCost.cpuSeconds - start
        let rate = Int(Double(records.count * repeats) / seconds)
        print("\(name): \(rate) records/cpu-s, \(bytes / 1_000_000) MB, \(mapped) mapped")
    }

    private static func contacts(count: Int) -> [[UInt8]] {
        (0..<count).map { number in
            let text = """
                {"id":"\(number)","properties":{"createdate":"2021-05-01T10:00:00.123Z","email":"Ada.Lovelace\(number)@c7.example",\
                "firstname":"Ada","lastname":"Lovelace","phone":"(415) 555-\(1000 + number % 9000)","jobtitle":"Software Engineer",\
                "city":"San Francisco","state":"CA","zip":"94105","country":"USA","address":"17 Main St","company":"Acme Inc.",\
                "hs_email_optout":"false","hubspot_owner_id":"70000014","lifecyclestage":"customer","hs_lead_status":"OPEN",\
                "notes":"Asked whether data can stay in the EU. Price is fine; support hours are the concern.","website":null,\
                "lastmodifieddate":"2022-05-01T10:00:00.123Z","hs_object_id":"\(number)"},\
                "createdAt":"2021-05-01T10:00:00.123Z","updatedAt":"2022-05-01T10:00:00.123Z","archived":false}
                """
            return Array(text.utf8)
        }
    }
}
