// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransform

/// Whether the source has content to give, and the destination a place for it.
extension SchemaCheck {
    mutating func checkContent(_ object: ObjectSpec, _ schema: ObjectSchema, _ path: [String]) {
        let place = path + ["content"]
        guard let content = object.content else {
            // Records of files without their bytes are of little use, and easily an oversight.
            if sources[object.stream]?.content != nil, let field = schema.content?.field {
                report(
                    .missingKey, path,
                    "\(object.stream) has files, and objects.\(object.stream) does not move their content",
                    remedy: "Say 'content: \(field)'", severity: .warning)
            }
            return
        }
        if let source = sources[object.stream], source.content == nil {
            report(
                .incompatibleTypes, place, "\(object.stream) has no content in the source",
                remedy: "Leave 'content' out")
        }
        guard let target = schema.content else {
            report(
                .incompatibleTypes, place, "\(object.target) takes no content in the destination",
                remedy: "Leave 'content' out, or name an object in 'to' that holds files")
            return
        }
        if !schema.isOpen, target.field != content.target {
            report(
                .unknownField, place, "\(object.target) takes content in '\(target.field)', not in '\(content.target)'",
                suggestion: target.field)
        }
        if let wanted = content.bytesMax, let bytesMax = target.bytesMax, wanted > bytesMax {
            report(
                .valueTooLong, place + ["max"], "\(object.target) takes files of at most \(bytesMax)",
                severity: .warning)
        }
    }
}
