// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
package import MigratezSimulatorKit
package import MigratezSyntheticCRM
import Synchronization

/// A HubSpot account over HTTP: a synthetic CRM underneath, and whatever has been written since on top of it.
///
/// Speaks v3/v4 and the dated paths 2026-03 and 2026-09, with the vendor's paging, caps, partial failures, limits and
/// error bodies as the vendor's public documentation gives them. Where the documentation is silent, the stricter
/// reading is simulated, so that a connector that works here asks for nothing that is not promised.
package final class HubSpotSimulator: SimulatorService {
    /// The number of the account.
    static let portalID = 1_000_001

    package let crm: SyntheticCRM
    package let options: HubSpotOptions
    let overlay: Overlay
    let authorization: Authorization
    let linkMaps: [LinkKind: LinkMap]
    let searches = SearchCache()
    private let allowance: RequestAllowance?
    private let searchAllowance: RequestAllowance?
    private let correlations = Atomic<UInt64>(0)
    /// Requests since the start, for the account's own count.
    let served = Atomic<Int>(0)

    /// - Throws: if the database of changes cannot be opened.
    package init(_ crm: SyntheticCRM, options: HubSpotOptions = HubSpotOptions()) throws {
        self.crm = crm
        self.options = options
        overlay = try Overlay(path: options.database, crm: crm, seed: options.subscriptions)
        authorization = Authorization(options)
        linkMaps = Dictionary(uniqueKeysWithValues: LinkKind.allCases.map { ($0, LinkMap($0, of: crm)) })
        func allowance(_ rate: HubSpotOptions.Rate?) -> RequestAllowance? {
            rate.map {
                RequestAllowance(
                    limit: $0.requests, window: $0.window, dailyLimit: $0.daily, clock: options.clock)
            }
        }
        self.allowance = allowance(options.rate)
        searchAllowance = allowance(options.searchRate)
    }

    package func route(of request: SimulatorRequest) -> SimulatorRoute {
        guard let operation = Operation(request, path: overlay.definitions.normalized(request.path)) else {
            return SimulatorRoute("\(request.method.rawValue) unknown", isWrite: false)
        }
        return SimulatorRoute(operation.name, isWrite: operation.isWrite)
    }

    package func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        do throws(HubSpotFailure) {
            guard request.target.utf8.count <= options.targetBytesMax else {
                throw HubSpotFailure(414, "URI_TOO_LONG", "The request URI is too long.")
            }
            let definitions = overlay.definitions
            let path = definitions.normalized(request.path)
            if let unknown = definitions.unknownType(in: path) {
                throw .invalid("Unable to infer object type from: \(unknown)")
            }
            guard let operation = Operation(request, path: path) else {
                throw HubSpotFailure(404, "OBJECT_NOT_FOUND", "No route for this method and path.")
            }
            if operation == .token { return try authorization.token(for: request) }
            if case .fileDownload(let id) = operation { return try await fileDownload(id, request) }
            try authorization.check(request, for: operation)
            return try await limited(request, operation)
        } catch {
            return answer(to: error)
        }
    }

    package func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse {
        switch status {
        case 400: answer(to: .invalid("The after parameter is not a valid cursor"))
        case 423: answer(to: HubSpotFailure(status, "LOCKED", "locked"))
        case 429: answer(to: .rateLimit(.tenSecondly))
        default: answer(to: HubSpotFailure(status, "INTERNAL_ERROR", "internal error"))
        }
    }

    package func state() async -> [UInt8] { await counts() }

    /// Counts the request against its limit and puts the vendor's headers on the answer; searches have a limit of their
    /// own and no headers.
    private func limited(
        _ request: SimulatorRequest, _ operation: Operation
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        served.wrappingAdd(1, ordering: .relaxed)
        if case .search = operation {
            switch searchAllowance?.take() {
            case .windowExceeded, .dayExceeded: throw .rateLimit(.secondly)
            case .granted, nil: return try await perform(operation, request)
            }
        }
        guard let allowance else { return try await perform(operation, request) }
        let verdict = allowance.take()
        var response: SimulatorResponse
        switch verdict {
        case .windowExceeded: response = answer(to: .rateLimit(.tenSecondly))
        case .dayExceeded: response = answer(to: .rateLimit(.daily))
        case .granted:
            do throws(HubSpotFailure) {
                response = try await perform(operation, request)
            } catch {
                response = answer(to: error)
            }
        }
        var remaining = (window: 0, day: allowance.dailyLimit)
        if case .granted(let left, let leftToday) = verdict { remaining = (left, leftToday) }
        if case .dayExceeded = verdict { remaining.day = 0 }
        response.headers["X-HubSpot-RateLimit-Max"] = String(allowance.limit)
        response.headers["X-HubSpot-RateLimit-Remaining"] = String(remaining.window)
        response.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] =
            String(allowance.window.components.seconds * 1000)
        if let daily = allowance.dailyLimit, let left = remaining.day {
            response.headers["X-HubSpot-RateLimit-Daily"] = String(daily)
            response.headers["X-HubSpot-RateLimit-Daily-Remaining"] = String(left)
        }
        return response
    }

    private func perform(
        _ operation: Operation, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        switch operation {
        case .token: try authorization.token(for: request)
        case .list(let object): try await list(object, request)
        case .read(let object, let id): try await read(object, id, request)
        case .batchRead(let object): try await batchRead(object, request)
        case .search(let object): try await search(object, request)
        case .create(let object): try await create(object, request)
        case .update(let object, let id): try await update(object, id, request)
        case .archive(let object, let id): try await archive(object, [id])
        case .merge(let object): try await merge(object, request)
        case .batchWrite(let object, let verb): try await batchWrite(object, verb, request)
        case .recordLinks(let from, let id, let to): try await recordLinks(from, id, to, request)
        case .linksRead(let from, let to, let isDated): try await linksRead(from, to, isDated: isDated, request)
        case .linksWrite(let from, let to, let verb): try await linksWrite(from, to, verb, request)
        case .linkPut(let from, let id, let to, let toID, let isDefault):
            try await linkPut(from, id, to, toID, isDefault: isDefault, request)
        case .linkDelete(let from, let id, let to, let toID): try await linkDelete(from, id, to, toID)
        case .labels(let from, let to): labels(from, to)
        case .labelCreate(let from, let to): try await labelCreate(from, to, request)
        case .properties(let object): try await properties(object)
        case .property(let object, let name): try await property(object, name)
        case .propertyCreate(let object): try await propertyCreate(object, request)
        case .propertyBatchCreate(let object): try await propertyBatchCreate(object, request)
        case .propertyGroups(let object): try await propertyGroups(object)
        case .propertyGroupCreate(let object): try await propertyGroupCreate(object, request)
        case .schemas: schemas()
        case .schema(let object): try schema(object)
        case .schemaCreate: try await schemaCreate(request)
        case .objectLimit: objectLimit()
        case .pipelines(let object): pipelines(object)
        case .pipeline(let object, let id): try pipeline(object, id)
        case .owners: try owners(request)
        case .listsSearch: try listsSearch(request)
        case .listMemberships(let id): try listMemberships(id, request)
        case .owner(let id): try owner(id, request)
        case .usage: usage()
        case .accountDetails: accountDetails()
        case .tokenInfo: try tokenInfo(request)
        case .fileUpload: try await fileUpload(request)
        case .file(let id): try await file(id)
        case .fileReplace(let id): try await fileReplace(id, request)
        case .fileDelete(let id): try await fileDelete(id)
        case .fileStat(let path): try await fileStat(path)
        case .fileSignedURL(let id): try await fileSignedURL(id, request)
        case .fileDownload(let id): try await fileDownload(id, request)
        }
    }

    private func answer(to failure: HubSpotFailure) -> SimulatorResponse {
        let number = correlations.wrappingAdd(1, ordering: .relaxed).newValue
        return failure.response(correlation: number)
    }
}
