// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// A refusal as Zoho states it, for a call or for a row:
/// `{"code":"INVALID_DATA","details":{"api_name":"Email","json_path":"$.data[0].Email"},"message","status":"error"}`.
struct ZohoRefusal: Sendable {
    var code: String
    /// Zoho's own words; they may quote values and must not leave the encrypted rejects.
    var text: String
    /// What it is about, by its name in the interface.
    var field: String?
    /// Where it is in the request: `$.data[0].Quoted_Items[2].Quantity`.
    var path: String?
    /// What a text may have at most, if it has more.
    var lengthMax: Int?
    /// The record that holds a value which must be unique.
    var duplicateID: String?

    init(_ value: JSONValue) {
        code = value["code"]?.text ?? ""
        text = value["message"]?.text ?? ""
        let details = value["details"]
        path = details?["json_path"]?.text
        field = Self.field(in: path) ?? details?["api_name"]?.text
        lengthMax = details?["maximum_length"]?.int
        duplicateID = details?["duplicate_record"]?["id"]?.text ?? details?["id"]?.text
    }

    /// - Parameter field: as the result of a bulk job names it.
    init(code: String, field: String?) {
        self.code = code
        text = ""
        self.field = field
    }

    /// `Owner` of `$.data[3].Owner.id`: the name beside the path may be that of a member within.
    private static func field(in path: String?) -> String? {
        path?.wholeMatch(of: /\$\.data\[\d+\]\.([A-Za-z0-9_$]+).*/).map { String($0.1) }
    }

    /// The row of a subform that it is about, and the field of that row; `nil` if it does not say.
    func place(in subform: String) -> (index: Int, field: String?)? {
        let match = path?.wholeMatch(of: /\$\.data\[\d+\]\.([A-Za-z0-9_$]+)\[(\d+)\](?:\.([A-Za-z0-9_$]+).*)?/)
        guard let match, match.1 == subform, let index = Int(match.2) else { return nil }
        return (index, match.3.map(String.init))
    }

    /// The row's rejection.
    ///
    /// `INVALID_DATA` says of a list, a link and a number the same, so the field's kind tells what is wrong.
    func rejection(_ schema: ObjectSchema) -> Rejection {
        let rule = VendorErrorTable.zoho.rule(for: code)
        var meaning = rule.code
        if code == "INVALID_DATA" {
            let known = field.flatMap(schema.field)
            switch known?.kind {
            case _ where lengthMax != nil: meaning = .tooLong
            case .choice, .choices: meaning = .notInPicklist
            case .reference: meaning = known?.refersTo == [ZohoModule.person] ? .ownerUnmatched : .parentNotLoaded
            case .id: meaning = .recordDeleted
            default: break
            }
        }
        return Rejection(
            meaning, remedy: rule.remedy, fields: field.map { [$0] } ?? [], vendorCode: code, vendorText: text)
    }
}

/// A call that Zoho refused as a whole; the `cause` of the error.
struct ZohoCallRefused: Error, CustomStringConvertible {
    var status: Int
    var refusal: ZohoRefusal

    /// Code and field only: the text may quote values.
    var description: String {
        "status \(status): \(refusal.code)" + (refusal.field.map { " (\($0))" } ?? "")
    }

    /// Whether what was sent is at fault, and not the moment, the token or the rights.
    var isAboutRows: Bool { status == 413 || status == 400 && refusal.code == "INVALID_DATA" }
}

extension MigratezError {
    /// Zoho's refusal that led to this error, if one did.
    var callRefused: ZohoCallRefused? { cause as? ZohoCallRefused }
}
