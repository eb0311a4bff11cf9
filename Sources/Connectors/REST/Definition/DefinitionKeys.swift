// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// The keys of a definition.
package enum DefinitionKeys {
    package static let definition = DefinitionSection(
        name: "definition",
        keys: [
            .init("migratez_connector", .words(["1"]), isRequired: true, "the version of this format"),
            .init("name", .text, isRequired: true, "the connector's name, the first part of row keys: a-z, 0-9 and _"),
            .init("label", .text, isRequired: true, "the vendor's own name"),
            .init("base_url", .template, isRequired: true, "the API's address; placeholders are settings"),
            .init("settings", .entries(.section(setting)), "settings of its own, below source.settings"),
            .init("headers", .entries(.template), "headers of every request; placeholders are settings"),
            .init(
                "auth", .sections(auth), isRequired: true, "ways to authenticate; the first whose settings are given"),
            .init("limits", .section(limits), "how many requests the vendor takes"),
            .init("errors", .section(errors), "what refusals mean; without it, their status says it"),
            .init("defaults", .section(defaults), "what holds for every list that says nothing else"),
            .init("identity", .section(identity), isRequired: true, "whose account it is"),
            .init("people", .sections(people), "lists of the people who own records"),
            .init("objects", .entries(.section(object)), isRequired: true, "the objects by the names of their streams"),
        ])

    static let setting = DefinitionSection(
        name: "setting",
        keys: [
            .init("summary", .text, isRequired: true, "what it is, in one line"),
            .init("required", .bool, "whether it must be given; default false"),
            .init("default", .text, "its value if it is not given"),
        ])

    static let authKinds = ["header", "query", "basic", "bearer", "refresh_token", "client_credentials"]

    static let auth = DefinitionSection(
        name: "auth",
        keys: [
            .init("kind", .words(authKinds), isRequired: true, "how requests are signed"),
            .init("name", .text, "header, query: the name of the header or of the item"),
            .init(
                "value", .template, "header, query: what it holds, such as Token token={auth.key}; default {auth.key}"),
            .init("user", .template, "basic: the user; default {auth.user}"),
            .init("password", .template, "basic: the password; default {auth.password}"),
            .init("token_url", .template, "refresh_token, client_credentials: where tokens are asked for"),
            .init("scope", .text, "client_credentials: the scope to ask for"),
        ])

    static let limits = DefinitionSection(
        name: "limits",
        keys: [
            .init("requests", .rate, "what the smallest plan allows"),
            .init("window", .section(window), "headers that tell what is left for the moment"),
            .init("allowance", .section(allowance), "headers that tell what is left of the hour or day"),
        ])

    static let window = DefinitionSection(
        name: "limits.window",
        keys: [
            .init("remaining", .text, isRequired: true, "the header, or HEADER[item], with the requests that are left"),
            .init("reset", .text, "the same with the seconds until there is room again"),
        ])

    static let allowance = DefinitionSection(
        name: "limits.allowance",
        keys: [
            .init("limit", .text, isRequired: true, "the header, or HEADER[item], with the whole allowance"),
            .init("remaining", .text, isRequired: true, "the same with what is left of it"),
        ])

    static let errors = DefinitionSection(
        name: "errors",
        keys: [
            .init("code", .paths, "where a refusal holds the vendor's code"),
            .init("text", .path, "where it says why; kept with rejected rows only, which are encrypted"),
            .init("field", .path, "where it names the fields concerned, by their names in requests"),
            .init("wait", .path, "where it says in how many seconds to come back, beside Retry-After"),
            .init("rules", .sections(rule), isRequired: true, "what they mean; the first rule that fits counts"),
        ])

    static let rule = DefinitionSection(
        name: "errors.rules",
        keys: [
            .init("status", .count(least: 100), "the status of the answer; any if it is not given"),
            .init("code", .text, "the vendor's code; any if it is not given"),
            .init("means", .words(RESTErrorTable.Meaning.allCases.map(\.rawValue)), isRequired: true, "what it means"),
            .init("hint", .text, "what a person can do about it"),
        ])

    private static let request: [DefinitionKey] = [
        .init("method", .words(["GET", "POST"]), "default GET"),
        .init("path", .template, isRequired: true, "below base_url"),
        .init("query", .entries(.template), "items of the query; one whose placeholder has no value is left out"),
        .init("body", .body, "the JSON of a POST; what has no value is left out"),
    ]

    private static let list: [DefinitionKey] =
        request + [
            .init("list", .path, "where the records are in an answer; a dot = the answer is the list"),
            .init("record", .path, "where the record is in an element of the list; default: it is the element"),
            .init("paging", .section(paging), "how pages follow each other"),
        ]

    static let defaults = DefinitionSection(name: "defaults", keys: Array(list.dropFirst(request.count)))

    static let pagingKinds = ["none", "page", "offset", "cursor", "next_link", "link_header", "keyset"]

    static let paging = DefinitionSection(
        name: "paging",
        keys: [
            .init("kind", .words(pagingKinds), isRequired: true, "the kind of paging"),
            .init("page_size", .count(least: 1), "the most records of a page; default 100"),
            .init("first", .count(least: 0), "page: the number of the first page; default 1"),
            .init("at", .path, "cursor, next_link: where an answer holds it"),
            .init("more", .path, "where an answer says whether there is another page; default: a full page has one"),
            .init("pages", .path, "where an answer says how many pages there are"),
            .init("window", .section(pagingWindow), "where a list that is capped is begun anew; needed by keyset"),
        ])

    static let pagingWindow = DefinitionSection(
        name: "paging.window",
        keys: [
            .init("field", .path, isRequired: true, "the field by which the list is sorted; its value is {after}"),
            .init("start", .text, isRequired: true, "the value of {after} at the beginning"),
            .init("records", .count(least: 1), "so many records, then a new window; default: one page"),
            .init("descending", .bool, "whether the list is sorted downwards; default false"),
            .init("inclusive", .bool, "whether records of the value {after} itself come again; default true"),
        ])

    static let identity = DefinitionSection(
        name: "identity",
        keys: request + [
            .init(
                "text", .template, isRequired: true, "what tells it from others; placeholders are paths and settings"),
            .init("user", .path, "where the answer says who is asking"),
        ])

    static let lookup = DefinitionSection(
        name: "lookups",
        keys: request + [
            .init("list", .path, "the elements to look at; default: the answer itself"),
            .init("where", .entries(.text), "what an element must say, by path"),
            .init("value", .path, isRequired: true, "the value for the placeholder, in the first such element"),
        ])

    private static let lookups = DefinitionKey(
        "lookups", .entries(.section(lookup)), "placeholders whose values are asked for once")

    static let people = DefinitionSection(
        name: "people",
        keys: list + [
            lookups,
            .init("id", .paths, isRequired: true, "where the id is"),
            .init("email", .paths, "where the e-mail address is"),
            .init("active", .short(.bool, activity), "whether they are still there; default true"),
        ])

    static let activity = DefinitionSection(
        name: "people.active",
        keys: [
            .init("at", .path, isRequired: true, "where the record says so"),
            .init("is", .texts, isRequired: true, "the texts that mean yes"),
        ])

    static let object = DefinitionSection(
        name: "object",
        keys: [
            .init("label", .text, "what people call it"),
            .init("read", .sections(listSection), isRequired: true, "the list of its records, or several"),
            lookups,
            .init("id", .path, "where a record's id is; default id"),
            .init("modified", .text, "the field that tells when a record was last changed"),
            .init("total", .section(total), "where the first page says how many records there are"),
            .init("by_id", .section(byID), isRequired: true, "how records are read by id"),
            .init(
                "fields", .entries(.short(.words(fieldKinds), field)), isRequired: true, "the fields of every account"),
            .init("discover", .section(discovery), "how the account describes fields of its own"),
            .init("links", .entries(.sections(link)), "links to other objects, by the names of their streams"),
            .init("write", .section(write), "how its records are written; without it, they are only read"),
        ])

    static let listSection = DefinitionSection(name: "object.read", keys: list)

    static let total = DefinitionSection(
        name: "object.total",
        keys: [
            .init("at", .path, "where the answer holds it"),
            .init("header", .text, "the header that holds it"),
            .init("exact", .bool, "whether it can be held against what was read; default false"),
        ])

    static let byID = DefinitionSection(
        name: "object.by_id",
        keys: request + [
            .init("batch", .count(least: 1), "so many ids in a request as {ids}; without it, {id}, one a request"),
            .init("list", .path, "with batch: where the records are in the answer"),
            .init("record", .path, "where the record is in the answer or in an element"),
        ])

    static let fieldKinds = FieldSchema.Kind.allCases.map(\.rawValue)

    static let field = DefinitionSection(
        name: "object.fields",
        keys: [
            .init("kind", .words(fieldKinds), isRequired: true, "what values it has"),
            .init("label", .text, "what people call it"),
            .init(
                "at", .paths, "where it is in a record, if it is not the member of that name; the first value counts"),
            .init("refers_to", .text, "reference: the object that it leads to; owner = a person"),
            .init("options", .texts, "choice, choices: the values of a fixed list"),
        ])

    static let discovery = DefinitionSection(
        name: "object.discover",
        keys: request + [
            lookups,
            .init("list", .path, isRequired: true, "the descriptions in the answer"),
            .init("where", .entries(.text), "what a description must say to count, by path"),
            .init(
                "name", .template, isRequired: true,
                "the field's name; its one placeholder is a path in the description"),
            .init("label", .template, "what people call it; placeholders are paths in the description"),
            .init("at", .templates, "where it is in a record; may have the placeholder of name"),
            .init("kind", .path, "where the description tells the kind of its values"),
            .init("kinds", .entries(.words(fieldKinds)), "our kind for each of the vendor's; others are other"),
            .init("unique", .path, "where the description says that no two records share a value"),
            .init("options", .section(options), "the values of fixed lists"),
        ])

    static let options = DefinitionSection(
        name: "object.discover.options",
        keys: [
            .init("list", .path, isRequired: true, "where they are in a description"),
            .init("value", .path, "where the value is in one of them; default: it is the value"),
            .init("label", .path, "where the label is in one of them; default: the value"),
        ])

    static let link = DefinitionSection(
        name: "object.links",
        keys: [
            .init("at", .path, "the links in a record; * stands for every element"),
            .init("request", .section(linkRequest), "asks for the links of a record, by {id}"),
            .init("id", .path, "where a link holds the id of the other record; default: it is the id"),
            .init("where", .entries(.text), "what a record must say for its links to count, by path"),
            .init("primary", .path, "where a link says that it is the primary one"),
            .init("label", .path, "where a link holds the name that users gave to it"),
        ])

    static let linkRequest = DefinitionSection(
        name: "object.links.request", keys: request + list.filter { $0.name == "list" || $0.name == "paging" })
}
