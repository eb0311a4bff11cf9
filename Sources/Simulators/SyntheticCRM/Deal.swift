// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// A chance to sell something.
package struct Deal: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case dealname, dealstage, pipeline, amount, closedate, dealtype, description, createdate
        case currency = "deal_currency_code"
        case priority = "hs_priority"
        case nextStep = "hs_next_step"
        case closedLostReason = "closed_lost_reason"
        case closedWonReason = "closed_won_reason"
        case probability = "hs_deal_stage_probability"
        case isClosed = "hs_is_closed"
        case isWon = "hs_is_closed_won"
        case campaign = "campaign_source"
        case owner = "hubspot_owner_id"
        case modifiedAt = "hs_lastmodifieddate"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .amount: .number
            case .closedate: .dateTime
            case .dealstage: .choice(DealPipeline.all.flatMap { $0.stages.map(\.id) })
            case .pipeline: .choice(DealPipeline.all.map(\.id))
            case .dealtype: .choice(["newbusiness", "existingbusiness"])
            case .currency: .choice(["USD", "EUR", "NOK", "JPY"])
            case .priority: .choice(["low", "medium", "high"])
            case .description, .closedLostReason, .closedWonReason: .longText
            case .owner: .owner
            case .createdate, .modifiedAt: .readOnlyDateTime
            case .probability, .isClosed, .isWon, .id: .readOnly
            default: .text
            }
        }
    }

    package static let object = CRMObject.deal
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .dealname:
            draw.share(100) < 100
                ? draw.pick(Vocabulary.exotic, 101)
                : "\(draw.pick(Vocabulary.companyNames, 102)) – \(draw.pick(Vocabulary.products, 103)) \(index)"
        case .dealstage: stage.id
        case .pipeline: pipeline.id
        case .amount: draw.maybe(missing: 800, empty: 100, 110, amount)
        case .closedate: draw.maybe(missing: 1500, empty: 50, 120, closeDate)
        case .dealtype: draw.maybe(missing: 3000, 125, draw.pick(["newbusiness", "existingbusiness"], 126))
        case .description:
            draw.maybe(missing: 6000, empty: 100, 130, draw.freeText(131, ordinary: draw.sentences(134, most: 3)))
        case .createdate: DateText.instant(createdAt)
        case .currency: draw.maybe(missing: 2000, 140, draw.pick(["USD", "USD", "EUR", "NOK", "JPY"], 141))
        case .priority: draw.maybe(missing: 5000, 145, draw.pick(["low", "medium", "high"], 146))
        case .nextStep: draw.maybe(missing: 7000, 150, draw.pick(Vocabulary.sentences, 151))
        case .closedLostReason: stage.id == "closedlost" ? draw.pick(["Price", "Timing", "No answer"], 155) : nil
        case .closedWonReason: stage.id == "closedwon" ? draw.pick(["Fit", "Price", "Support"], 156) : nil
        case .probability: stage.probability
        case .isClosed: stage.isClosed ? "true" : "false"
        case .isWon: stage.probability == "1.0" ? "true" : "false"
        case .campaign: draw.maybe(missing: 7000, 160, "Spring \(2015 + draw.below(12, 161))")
        case .owner: ownerID
        case .modifiedAt: DateText.instant(updatedAt)
        case .id: String(id)
        }
    }

    private var pipeline: DealPipeline { DealPipeline.all[draw.share(104) < 20 ? 1 : 0] }

    private var stage: DealPipeline.Stage {
        let stages = pipeline.stages
        guard pipeline.id == "default" else { return draw.pick(stages, 105) }
        return switch draw.share(106) {
        case ..<50: stages[1 + draw.below(3, 107)]
        case ..<3050: stages[0]
        case ..<5050: stages[4]
        case ..<8050: stages[5]
        default: stages[6]
        }
    }

    private var amount: String {
        let whole = draw.below(250_000, 111)
        return draw.below(3, 112) == 0 ? "\(whole).\(10 + draw.below(90, 113))" : String(whole)
    }

    private var closeDate: String {
        DateText.instant(Timestamp(milliseconds: createdAt.milliseconds + Int64(draw.below(400, 121)) * 86_400_000))
    }
}
