// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What can be wrong with a file that a person writes, a pipeline above all: numbers 10 to 49 of the class CFG. All of them end a program with 65.
extension ErrorCode {
    package static let yamlSyntax = ErrorCode(.cfg, 10, "the file is not valid YAML")
    package static let unknownKey = ErrorCode(.cfg, 11, "a key is not one that the file may have")
    package static let duplicateKey = ErrorCode(.cfg, 12, "a key stands twice in one mapping")
    package static let missingKey = ErrorCode(.cfg, 13, "a key that must be given is missing")
    package static let unknownField = ErrorCode(.cfg, 14, "a field does not exist")
    package static let wrongForm = ErrorCode(.cfg, 15, "a value has the wrong form")
    package static let wrongUnit = ErrorCode(.cfg, 16, "a quantity cannot be read")
    package static let literalSecret = ErrorCode(.cfg, 17, "a secret stands in the file itself")
    package static let badReference = ErrorCode(.cfg, 18, "a reference is malformed or not allowed here")
    package static let unknownConnector = ErrorCode(.cfg, 20, "there is no such connector")
    package static let unknownSetting = ErrorCode(.cfg, 21, "the connector has no such setting")
    package static let unknownValueMap = ErrorCode(.cfg, 22, "there is no such value map")
    package static let unknownObject = ErrorCode(.cfg, 23, "an object is not declared in the pipeline")
    package static let unknownVariable = ErrorCode(.cfg, 24, "a variable is not declared")
    package static let badExpression = ErrorCode(.cfg, 25, "an expression cannot be read")
    package static let impossibleLink = ErrorCode(.cfg, 26, "a link cannot be made")
    package static let linkCycle = ErrorCode(.cfg, 27, "lookups form a circle")
    package static let badMapFile = ErrorCode(.cfg, 28, "a map file cannot be used")
    package static let conflict = ErrorCode(.cfg, 29, "two options exclude each other")
    package static let requiredFieldUnmapped = ErrorCode(.cfg, 30, "a required field of the destination gets no value")
    package static let incompatibleTypes = ErrorCode(.cfg, 31, "a field cannot take values of this type")
    package static let valueNotAllowed = ErrorCode(.cfg, 32, "a value is not one that the field accepts")
    package static let valueTooLong = ErrorCode(.cfg, 33, "a value may not fit")
    package static let readOnlyField = ErrorCode(.cfg, 34, "a field cannot be set")
    package static let notAPerson = ErrorCode(.cfg, 35, "a field does not refer to a person")
    package static let planOutdated = ErrorCode(.cfg, 37, "the saved plan is not what is there now")
    package static let tooComplex = ErrorCode(.cfg, 36, "the file is too large or nested too deeply")
}
