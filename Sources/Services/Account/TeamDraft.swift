internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

/// A request to change the supplier's team that was checked.
struct TeamDraft {
    let team: TeamWrite
    let fields: Set<TeamWrite.Field>
    let revision: Int64?

    init(_ request: Carillon_V1_UpsertTeamRequest) throws(Status) {
        let sent = request.team
        var check = FieldCheck()
        fields = UpdateMask.fields(
            request.hasUpdateMask ? request.updateMask.paths : [],
            of: ["display_name": .displayName, "mailbox": .mailbox, "choices": .choices], &check)
        let name = check.line(sent.displayName, "team.display_name", limit: 200)
        let mailbox = check.email(sent.mailbox, "team.mailbox")
        for (place, choice) in sent.choices.enumerated().prefix(ChoiceReader.limit) {
            let field = "team.choices[\(place)]"
            if choice.channel != .unspecified {
                check.add("\(field).channel", "must be left out: a mailbox has mail alone")
            }
            if choice.cadence != .unspecified {
                check.add("\(field).cadence", "must be left out: a mailbox has no digests")
            }
            if choice.choice == .clear {
                check.add("\(field).choice", "must be CHOICE_ON or CHOICE_OFF; what is left out is cleared")
            }
        }
        try check.check()
        let reader = try ChoiceReader(sent.choices, in: .team, "team.choices", isRequired: false)
        revision = try Etag.revision(sent.etag)
        team = TeamWrite(
            displayName: name, mailbox: mailbox,
            choices: reader.changes.compactMap { change in
                change.isOn.map { DefaultChoice(change.scope, .isOn($0, nil)) }
            })
    }
}

extension Carillon_V1_Team {
    init(_ record: TeamRecord) {
        self.init()
        displayName = record.displayName
        mailbox = record.mailbox ?? ""
        choices = ToldChoices.of(record.choices, as: .internalTeam)
        updateTime = Google_Protobuf_Timestamp(record.updatedAt)
        etag = Etag.of(record.revision)
    }
}
