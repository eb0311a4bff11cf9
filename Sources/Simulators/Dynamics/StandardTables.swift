// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// The tables that every environment has, as far as a CRM's records need them, each with a part of its columns.
///
/// Source: Microsoft Learn, "Microsoft Dataverse table/entity reference".
enum StandardTables {
    static let all: [TableDefinition] =
        [systemUser, team, account, contact, lead, opportunity, annotation, connection, connectionRole]
        + activities + [attachment, activityParty, workflow, duplicateRule, organization] + catalogue

    /// What each table has, with the states that its records can be in.
    ///
    /// - Parameter isOwned: whether records belong to a user; those of the catalogue belong to the organisation.
    static func table(
        _ name: String, _ schemaName: String, _ setName: String, _ label: String, code: Int, primaryName: String,
        isActivity: Bool = false, isConnectable: Bool = true, isOwned: Bool = true,
        states: [(state: String, statuses: [(Int, String)])] = [
            ("Active", [(1, "Active")]), ("Inactive", [(2, "Inactive")]),
        ],
        _ columns: [ColumnDefinition]
    ) -> TableDefinition {
        let primaryID = isActivity ? "activityid" : name + "id"
        var key = ColumnDefinition(primaryID, label, .uniqueIdentifier)
        key.isUpdatable = false
        var owner = ColumnDefinition(
            "ownerid", "Owner",
            .owner([.init(table: "systemuser", navigation: "ownerid"), .init(table: "team", navigation: "ownerid")]))
        owner.isRequired = true
        // Set once, when a record is created, by whoever has the privilege (crm-apis: Dynamics, section 9).
        var overridden = ColumnDefinition("overriddencreatedon", "Record Created On", .dateTime)
        overridden.isUpdatable = false
        var all = [key] + columns + (isOwned ? [owner] : []) + [overridden] + stamps
        if !states.isEmpty {
            all += [
                ColumnDefinition(
                    "statecode", "Status", .state(states.enumerated().map { .init(value: $0, label: $1.state) })),
                ColumnDefinition(
                    "statuscode", "Status Reason",
                    .status(
                        states.enumerated().flatMap { number, state in
                            state.statuses.map { .init(value: $0.0, label: $0.1, state: number) }
                        })),
            ]
        }
        return TableDefinition(
            name: name, schemaName: schemaName, setName: setName, label: label, code: code, primaryID: primaryID,
            primaryName: primaryName, isActivity: isActivity, isConnectable: isConnectable, columns: all)
    }

    private static let stamps: [ColumnDefinition] = [
        .own("createdon", "Created On", .dateTime), .own("modifiedon", "Modified On", .dateTime),
        .own("createdby", "Created By", .lookup([.init(table: "systemuser", navigation: "createdby")])),
        .own("modifiedby", "Modified By", .lookup([.init(table: "systemuser", navigation: "modifiedby")])),
        .own("versionnumber", "Version Number", .bigInt),
    ]

    private static let addresses: [ColumnDefinition] = [
        .text("address1_line1", "Address 1: Street 1", 250), .text("address1_city", "Address 1: City", 80),
        .text("address1_stateorprovince", "Address 1: State/Province", 50),
        .text("address1_postalcode", "Address 1: ZIP/Postal Code", 20),
        .text("address1_country", "Address 1: Country/Region", 80),
    ]

    private static let account = table(
        "account", "Account", "accounts", "Account", code: 1, primaryName: "name",
        [
            .text("name", "Account Name", 160), .text("accountnumber", "Account Number", 20),
            .text("websiteurl", "Website", 200, format: "Url"), .text("telephone1", "Main Phone", 50, format: "Phone"),
            .text("emailaddress1", "Email", 100, format: "Email"),
            ColumnDefinition("description", "Description", .memo(max: 2_000)),
            ColumnDefinition("revenue", "Annual Revenue", .money),
            ColumnDefinition("numberofemployees", "Number of Employees", .integer),
            .list("industrycode", "Industry", (1, "Accounting"), (7, "Consulting"), (33, "Wholesale")),
            .list("customertypecode", "Relationship Type", (1, "Competitor"), (3, "Customer"), (5, "Partner")),
            .lookup("parentaccountid", "Parent Account", ("account", "parentaccountid")),
            .lookup("primarycontactid", "Primary Contact", ("contact", "primarycontactid")),
        ] + addresses)

    private static let contact = table(
        "contact", "Contact", "contacts", "Contact", code: 2, primaryName: "fullname",
        [
            .own("fullname", "Full Name", .string(max: 160, format: "Text")), .text("firstname", "First Name", 50),
            .text("lastname", "Last Name", 50), .text("jobtitle", "Job Title", 100),
            .text("emailaddress1", "Email", 100, format: "Email"),
            .text("telephone1", "Business Phone", 50, format: "Phone"),
            .text("mobilephone", "Mobile Phone", 50, format: "Phone"), .text("salutation", "Salutation", 100),
            .text("websiteurl", "Website", 200, format: "Url"),
            ColumnDefinition("description", "Description", .memo(max: 2_000)),
            ColumnDefinition("birthdate", "Birthday", .dateOnly),
            ColumnDefinition("annualincome", "Annual Income", .money),
            ColumnDefinition("donotbulkemail", "Do not allow Bulk Emails", .boolean),
            .list("leadsourcecode", "Lead Source", (1, "Default Value"), (2, "Web"), (3, "Word of Mouth")),
            .lookup(
                "parentcustomerid", "Company Name", ("account", "parentcustomerid_account"),
                ("contact", "parentcustomerid_contact")),
        ] + addresses)

    private static let lead = table(
        "lead", "Lead", "leads", "Lead", code: 4, primaryName: "fullname",
        states: [
            ("Open", [(1, "New"), (2, "Contacted")]), ("Qualified", [(3, "Qualified")]),
            ("Disqualified", [(4, "Lost")]),
        ],
        [
            .own("fullname", "Name", .string(max: 160, format: "Text")), .text("subject", "Topic", 300),
            .text("firstname", "First Name", 50), .text("lastname", "Last Name", 50),
            .text("companyname", "Company Name", 100), .text("emailaddress1", "Email", 100, format: "Email"),
            .text("telephone1", "Business Phone", 50, format: "Phone"), .text("jobtitle", "Job Title", 100),
            .text("websiteurl", "Website", 200, format: "Url"),
            ColumnDefinition("description", "Description", .memo(max: 2_000)),
            .list("leadsourcecode", "Lead Source", (1, "Advertisement"), (8, "Web"), (10, "Other")),
            .lookup("parentaccountid", "Parent Account for lead", ("account", "parentaccountid")),
            .lookup("parentcontactid", "Parent Contact for lead", ("contact", "parentcontactid")),
        ] + addresses)

    private static let opportunity: TableDefinition = {
        var stage = ColumnDefinition.list(
            "salesstage", "Sales Stage", (0, "Qualify"), (1, "Develop"), (2, "Propose"), (3, "Close"))
        stage.defaultValue = 0
        var table = Self.table(
            "opportunity", "Opportunity", "opportunities", "Opportunity", code: 3, primaryName: "name",
            states: [
                ("Open", [(1, "In Progress"), (2, "On Hold")]), ("Won", [(3, "Won")]),
                ("Lost", [(4, "Canceled"), (5, "Out-Sold")]),
            ],
            [
                .text("name", "Topic", 300), ColumnDefinition("description", "Description", .memo(max: 2_000)),
                ColumnDefinition("estimatedvalue", "Est. Revenue", .money),
                ColumnDefinition("estimatedclosedate", "Est. Close Date", .dateOnly),
                .text("stepname", "Pipeline Phase", 200),
                stage,
                ColumnDefinition("closeprobability", "Probability", .integer),
                .lookup(
                    "customerid", "Potential Customer", ("account", "customerid_account"),
                    ("contact", "customerid_contact")),
                .lookup("parentaccountid", "Account", ("account", "parentaccountid")),
                .lookup("parentcontactid", "Contact", ("contact", "parentcontactid")),
                .lookup("pricelevelid", "Price List", ("pricelevel", "pricelevelid")),
            ])
        table.closesByMessage = true
        return table
    }()

    static let annotation = table(
        "annotation", "Annotation", "annotations", "Note", code: 5, primaryName: "subject", isConnectable: false,
        states: [],
        [
            .text("subject", "Title", 500), ColumnDefinition("notetext", "Description", .memo(max: 100_000)),
            .text("filename", "File Name", 255), .text("mimetype", "Mime Type", 256),
            .text(DocumentBodies.column, "Document", 1_073_741_823, format: "TextArea"),
            isDocument, .own("filesize", "File Size (Bytes)", .integer),
            .lookup(
                "objectid", "Regarding", ("account", "objectid_account"), ("contact", "objectid_contact"),
                ("opportunity", "objectid_opportunity"), ("lead", "objectid_lead"), ("task", "objectid_task"),
                ("phonecall", "objectid_phonecall"), ("appointment", "objectid_appointment"),
                ("email", "objectid_email")),
        ])

    private static let isDocument: ColumnDefinition = {
        var column = ColumnDefinition("isdocument", "Is Document", .boolean)
        column.defaultValue = false
        return column
    }()

    private static let connectable = [
        "account", "contact", "lead", "opportunity", "task", "phonecall", "appointment", "email",
    ]

    private static let connection: TableDefinition = {
        func end(_ number: Int, _ label: String) -> ColumnDefinition {
            var column = ColumnDefinition(
                "record\(number)id", label,
                .lookup(connectable.map { .init(table: $0, navigation: "record\(number)id_\($0)") }))
            column.isRequired = true
            column.isUpdatable = false
            return column
        }
        return table(
            "connection", "Connection", "connections", "Connection", code: 3234, primaryName: "name",
            isConnectable: false,
            [
                .own("name", "Name", .string(max: 500, format: "Text")), end(1, "Connected From"),
                end(2, "Connected To"), ColumnDefinition("description", "Description", .memo(max: 2_000)),
                .lookup("record1roleid", "As this role (From)", ("connectionrole", "record1roleid")),
                .lookup("record2roleid", "As this role (To)", ("connectionrole", "record2roleid")),
                .own("ismaster", "Is Master", .boolean),
                .own(
                    "relatedconnectionid", "Reciprocal Connection",
                    .lookup([.init(table: "connection", navigation: "relatedconnectionid")])),
            ])
    }()

    private static let connectionRole = table(
        "connectionrole", "ConnectionRole", "connectionroles", "Connection Role", code: 3231, primaryName: "name",
        isConnectable: false, [.text("name", "Name", 100)])

    private static let systemUser: TableDefinition = {
        var table = Self.table(
            "systemuser", "SystemUser", "systemusers", "User", code: 8, primaryName: "fullname", isConnectable: false,
            states: [],
            [
                .text("fullname", "Full Name", 200),
                .text("internalemailaddress", "Primary Email", 100, format: "Email"),
                .text("domainname", "User Name", 1_024), ColumnDefinition("isdisabled", "Status", .boolean),
            ])
        table.isWorkable = false
        return table
    }()

    private static let team = setup("team", "Team", "teams", "Team", 9, [.text("name", "Team Name", 160)])
    private static let organization = setup(
        "organization", "Organization", "organizations", "Organization", 1019,
        [
            .text("name", "Organization Name", 160), .text("version", "Version", 64),
            .own("maxuploadfilesize", "Max Upload File Size", .integer),
        ])
    private static let workflow = setup(
        "workflow", "Workflow", "workflows", "Process", 4703,
        [
            .text("name", "Process Name", 100), ColumnDefinition("type", "Type", .integer),
            ColumnDefinition("category", "Category", .integer), .text("primaryentity", "Primary Entity", 64),
        ], states: [("Draft", [(1, "Draft")]), ("Activated", [(2, "Activated")])])
    private static let duplicateRule = setup(
        "duplicaterule", "DuplicateRule", "duplicaterules", "Duplicate Detection Rule", 4414,
        [.text("name", "Name", 160), .text("baseentityname", "Base Record Type", 64)],
        states: [("Inactive", [(0, "Unpublished")]), ("Active", [(2, "Published")])])

    private static func setup(
        _ name: String, _ schemaName: String, _ setName: String, _ label: String, _ code: Int,
        _ columns: [ColumnDefinition], states: [(state: String, statuses: [(Int, String)])] = []
    ) -> TableDefinition {
        var table = Self.table(
            name, schemaName, setName, label, code: code, primaryName: "name", isConnectable: false, states: states,
            columns)
        table.isWorkable = false
        return table
    }
}
