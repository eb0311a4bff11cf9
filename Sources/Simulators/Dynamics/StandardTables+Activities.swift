// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// Activities and who takes part in them.
extension StandardTables {
    static let activities: [TableDefinition] = [
        activity(
            "task", "Task", "tasks", "Task", 4212,
            states: [
                ("Open", [(2, "Not Started"), (3, "In Progress"), (4, "Waiting on someone else"), (7, "Deferred")]),
                ("Completed", [(5, "Completed")]), ("Canceled", [(6, "Canceled")]),
            ], [.list("prioritycode", "Priority", (0, "Low"), (1, "Normal"), (2, "High"))]),
        activity(
            "phonecall", "PhoneCall", "phonecalls", "Phone Call", 4210,
            states: [
                ("Open", [(1, "Open")]), ("Completed", [(2, "Made"), (4, "Received")]), ("Canceled", [(3, "Canceled")]),
            ],
            [
                .text("phonenumber", "Phone Number", 200, format: "Phone"),
                ColumnDefinition("directioncode", "Direction", .boolean),
            ]),
        activity(
            "appointment", "Appointment", "appointments", "Appointment", 4201,
            states: [
                ("Open", [(1, "Free"), (2, "Tentative")]), ("Completed", [(3, "Completed")]),
                ("Canceled", [(4, "Canceled")]), ("Scheduled", [(5, "Busy"), (6, "Out of Office")]),
            ], [.text("location", "Location", 200)]),
        activity(
            "email", "Email", "emails", "Email", 4202,
            states: [
                ("Open", [(1, "Draft"), (8, "Failed")]),
                ("Completed", [(2, "Completed"), (3, "Sent"), (4, "Received"), (6, "Pending Send"), (7, "Sending")]),
                ("Canceled", [(5, "Canceled")]),
            ],
            [
                ColumnDefinition("directioncode", "Direction", .boolean), .text("sender", "From", 250),
                .text("torecipients", "To Recipients", 500), .text("messageid", "Message ID", 320),
                .own("senton", "Date Sent", .dateTime), parties("from", "From", 1), parties("to", "To", 2),
                parties("cc", "Cc", 3), parties("bcc", "Bcc", 4),
            ]),
    ]

    /// Who takes part in activities, each in a role (Microsoft Learn, "ActivityParty table").
    static let activityParty: TableDefinition = {
        var table = Self.table(
            "activityparty", "ActivityParty", "activityparties", "Activity Party", code: 135,
            primaryName: "addressused", isConnectable: false, states: [],
            [
                ColumnDefinition(
                    "activityid", "Activity",
                    .lookup(activities.map { .init(table: $0.name, navigation: "activityid_\($0.name)") })),
                .lookup(
                    "partyid", "Party", ("account", "partyid_account"), ("contact", "partyid_contact"),
                    ("lead", "partyid_lead"), ("systemuser", "partyid_systemuser")),
                .text("addressused", "Address", 320),
                .list(
                    "participationtypemask", "Participation Type", (1, "Sender"), (2, "To Recipient"),
                    (3, "CC Recipient"), (4, "BCC Recipient"), (5, "Required attendee"), (6, "Optional attendee"),
                    (7, "Organizer"), (8, "Regarding"), (9, "Owner"), (10, "Resource"), (11, "Customer")),
            ])
        table.isWorkable = false
        return table
    }()

    /// Files that hang on e-mails and appointments. They tell no times and have no owner of their own, their lookup is said to
    /// lead to any activity, and the platform counts them (Microsoft Learn, "Attachment (ActivityMimeAttachment) table/entity
    /// reference").
    static let attachment: TableDefinition = {
        var key = ColumnDefinition("activitymimeattachmentid", "Activity Mime Attachment", .uniqueIdentifier)
        key.isUpdatable = false
        var item = ColumnDefinition.lookup(
            "objectid", "Item", ("email", "objectid_email"), ("appointment", "objectid_appointment"))
        item.statedTargets = ["activitypointer", "template"]
        item.isRequired = true
        var type = ColumnDefinition("objecttypecode", "Entity", .entityName)
        type.isRequired = true
        var number = ColumnDefinition("attachmentnumber", "Attachment Number", .integer)
        number.isRequired = true
        number.defaultValue = 1
        var shared = ColumnDefinition.lookup("attachmentid", "Attachment")
        shared.statedTargets = ["attachment"]
        return TableDefinition(
            name: "activitymimeattachment", schemaName: "ActivityMimeAttachment", setName: "activitymimeattachments",
            label: "Attachment", code: 1001, primaryID: key.name, primaryName: "filename",
            columns: [
                key, item, type, number, .text("filename", "File Name", 255), .text("mimetype", "Mime Type", 256),
                .text("subject", "Subject", 2_000),
                .text(DocumentBodies.attachmentColumn, "Body", 1_073_741_823, format: "TextArea"),
                .own("filesize", "File Size (Bytes)", .integer), .own("versionnumber", "Version Number", .bigInt),
            ])
    }()

    private static func parties(_ name: String, _ label: String, _ role: Int) -> ColumnDefinition {
        ColumnDefinition(name, label, .partyList(role: role))
    }

    private static func activity(
        _ name: String, _ schemaName: String, _ setName: String, _ label: String, _ code: Int,
        states: [(state: String, statuses: [(Int, String)])], _ columns: [ColumnDefinition]
    ) -> TableDefinition {
        let regarding = ["account", "contact", "lead", "opportunity"].map {
            ColumnDefinition.Target(table: $0, navigation: "regardingobjectid_\($0)_\(name)")
        }
        return table(
            name, schemaName, setName, label, code: code, primaryName: "subject", isActivity: true, states: states,
            [
                .text("subject", "Subject", 200), ColumnDefinition("description", "Description", .memo(max: 2_000_000)),
                ColumnDefinition("scheduledstart", "Start Date", .dateTime),
                ColumnDefinition("scheduledend", "Due Date", .dateTime),
                ColumnDefinition("actualstart", "Actual Start", .dateTime),
                ColumnDefinition("actualend", "Actual End", .dateTime),
                ColumnDefinition("actualdurationminutes", "Duration", .integer),
                ColumnDefinition("regardingobjectid", "Regarding", .lookup(regarding)),
            ] + columns)
    }
}
