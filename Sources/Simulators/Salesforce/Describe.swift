// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON

/// The answers of `sobjects` and `sobjects/X/describe` (crm-apis: Salesforce, section 3).
struct Describe {
    let schema: OrgSchema
    /// `v67.0`
    let api: String
    var recordTypes: [(id: String, object: String, name: String)] = []

    func global() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("encoding", "UTF-8")
        writer.member("maxBatchSize", 200)
        writer.key("sobjects")
        writer.beginArray()
        for object in schema.objects {
            writer.beginObject()
            summary(object, &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// `sobjects/X`: the summary, and what was viewed last (nothing).
    func basic(_ object: ObjectDefinition) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("objectDescribe")
        writer.beginObject()
        summary(object, &writer)
        writer.endObject()
        writer.key("recentItems")
        writer.beginArray()
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    func full(_ object: ObjectDefinition) -> [UInt8] {
        var writer = JSONWriter(capacity: 64 << 10)
        writer.beginObject()
        summary(object, &writer)
        writer.key("fields")
        writer.beginArray()
        for field in object.fields where field.isVisible { describe(field, &writer) }
        writer.endArray()
        writer.key("childRelationships")
        writer.beginArray()
        for child in schema.objects {
            for field in child.fields where field.isVisible && field.referenceTo.contains(object.name) {
                writer.beginObject()
                writer.member("childSObject", child.name)
                writer.member("field", field.name)
                writer.member("cascadeDelete", field.traits.contains(.cascades))
                writer.key("relationshipName")
                writer.null()
                writer.endObject()
            }
        }
        writer.endArray()
        writer.key("recordTypeInfos")
        writer.beginArray()
        for type in recordTypes.filter({ $0.object == object.name }) {
            writer.beginObject()
            writer.member("name", type.name)
            writer.member("developerName", type.name.filter { $0 != " " })
            writer.member("recordTypeId", type.id)
            for name in ["active", "available"] { writer.member(name, true) }
            for name in ["defaultRecordTypeMapping", "master"] { writer.member(name, false) }
            writer.endObject()
        }
        writer.beginObject()
        writer.member("name", "Master")
        writer.member("developerName", "Master")
        writer.member("recordTypeId", "012000000000000AAA")
        for name in ["active", "available", "defaultRecordTypeMapping", "master"] { writer.member(name, true) }
        writer.endObject()
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private func summary(_ object: ObjectDefinition, _ writer: inout JSONWriter) {
        writer.member("name", object.name)
        writer.member("label", object.label)
        writer.member("labelPlural", object.labelPlural)
        writer.member("keyPrefix", object.keyPrefix)
        writer.member("custom", object.name.hasSuffix("__c"))
        writer.member("createable", object.isCreateable)
        writer.member("updateable", object.isUpdateable)
        writer.member("deletable", object.isDeletable)
        writer.member("undeletable", object.isDeletable)
        for name in ["queryable", "retrieveable", "layoutable", "searchable"] { writer.member(name, true) }
        for name in ["deprecatedAndHidden", "customSetting", "feedEnabled"] { writer.member(name, false) }
        let path = "/services/data/\(api)/sobjects/\(object.name)"
        writer.key("urls")
        writer.beginObject()
        writer.member("sobject", path)
        writer.member("describe", path + "/describe")
        writer.member("rowTemplate", path + "/{ID}")
        writer.endObject()
    }

    private func describe(_ field: FieldDefinition, _ writer: inout JSONWriter) {
        let isNumber = [.int, .double, .currency, .percent].contains(field.kind)
        let isText = [.string, .email, .phone, .url, .picklist, .combobox, .reference, .id].contains(field.kind)
        writer.beginObject()
        writer.member("name", field.name)
        writer.member("label", field.label)
        writer.member("type", field.kind.rawValue)
        writer.member("length", isNumber ? 0 : field.length)
        // Up to three bytes in UTF-8 for a UTF-16 code unit.
        writer.member("byteLength", isNumber ? 0 : field.length * 3)
        writer.member("precision", field.kind == .int ? 0 : field.precision)
        writer.member("scale", field.scale)
        writer.member("digits", field.kind == .int ? field.precision : 0)
        writer.member("nillable", field.isNillable && field.kind != .boolean)
        writer.member("defaultedOnCreate", field.isDefaulted)
        writer.member("createable", field.isCreateable)
        writer.member("updateable", field.isUpdateable)
        writer.member("permissionable", field.isNillable)
        writer.member("custom", field.isCustom)
        writer.member("calculated", false)
        writer.member("autoNumber", false)
        writer.member("externalId", field.isExternalID)
        writer.member("unique", field.isUnique)
        writer.member("idLookup", field.isIDLookup)
        writer.member("caseSensitive", field.isCaseSensitive)
        writer.member("encrypted", false)
        writer.member("filterable", field.kind != .base64 && (field.kind != .textarea || field.length <= 255))
        writer.member("sortable", field.kind != .base64 && field.kind != .textarea)
        writer.member("groupable", isText)
        writer.member("nameField", field.name == "Name" || field.name == "Title")
        writer.member("deprecatedAndHidden", false)
        writer.member("dependentPicklist", false)
        writer.member("restrictedPicklist", field.isRestricted)
        writer.member("polymorphicForeignKey", field.referenceTo.count > 1)
        for name in ["controllerName", "compoundFieldName", "calculatedFormula", "defaultValue", "inlineHelpText"] {
            writer.member(name, nil)
        }
        writer.key("referenceTo")
        writer.strings(field.referenceTo)
        writer.member("relationshipName", field.relationshipName)
        writer.key("picklistValues")
        writer.beginArray()
        for value in field.picklist {
            writer.beginObject()
            writer.member("value", value)
            writer.member("label", value)
            writer.member("active", true)
            writer.member("defaultValue", String.fromDatabaseValue(field.defaultValue) == value)
            writer.member("validFor", nil)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}
