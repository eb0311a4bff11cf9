// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTestKit
import Synchronization

/// A server that answers logins and describes as an org does, and everything else as the test says.
///
/// For what no org and no simulator does on demand: exact failures of single calls.
final class ScriptedOrg: Sendable {
    typealias Handler = @Sendable (_ request: ScriptedServer.Request, _ number: Int) -> ScriptedServer.Answer

    let server: ScriptedServer
    var url: String { server.url }
    /// The requests that were neither a login nor a describe.
    var calls: [ScriptedServer.Request] {
        server.requests.filter { !$0.target.contains("/oauth2/") && !$0.target.hasSuffix("/describe") }
    }

    /// - Parameter handler: gets each call with its number, from 1 upward.
    init(stamped: Bool = true, _ handler: @escaping Handler) throws {
        let count = Mutex(0)
        let url = Mutex("")
        server = try ScriptedServer { request in
            if request.target.contains("/oauth2/") {
                let instance = url.withLock { $0 }
                return .text(200, #"{"access_token":"token-CANARY","instance_url":"\#(instance)"}"#)
            }
            if request.target.hasSuffix("/describe") { return .text(200, Self.describe(request.target, stamped)) }
            let number = count.withLock { count in
                count += 1
                return count
            }
            return handler(request, number)
        }
        url.withLock { $0 = server.url }
    }

    deinit { server.stop() }

    private static func describe(_ target: String, _ stamped: Bool) -> String {
        let name = target.split(separator: "/").dropLast().last ?? ""
        let stamp = stamped ? #",{"name":"Migratez_Id__c","type":"string","length":255,"unique":true}"# : ""
        return #"""
            {"name":"\#(name)","label":"\#(name)","fields":[
            {"name":"LastName","type":"string","length":80,"createable":true,"nillable":false,"defaultedOnCreate":false},
            {"name":"AccountId","type":"reference","referenceTo":["Account"],"relationshipName":"Account","createable":true}
            \#(stamp)]}
            """#
    }

    /// The answers of a collections call in which every row is created, in the order of the request's records.
    static func created(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        collections(request) { _, number in
            #"{"id":"\#(id(number))","success":true,"errors":[],"created":true}"#
        }
    }

    static func collections(
        _ request: ScriptedServer.Request, _ answer: (_ record: JSONValue, _ number: Int) -> String
    ) -> ScriptedServer.Answer {
        let records = (try? JSONValue(parsing: request.body))?["records"]?.elements ?? []
        return .text(200, "[" + records.enumerated().map { answer($1, $0) }.joined(separator: ",") + "]")
    }

    static func id(_ number: Int) -> String {
        let digits = String(number)
        return "003" + String(repeating: "0", count: 12 - digits.count) + digits + "AAA"
    }
}

/// Rows `hubspot-contact-0…` with a last name.
func contacts(_ count: Int, _ name: String = "Name") -> Batch {
    Batch(
        object: "Contact",
        rows: (0..<count).map { Batch.Row("hubspot-contact-\($0)", ["LastName": .string("\(name) \($0)")]) })
}
