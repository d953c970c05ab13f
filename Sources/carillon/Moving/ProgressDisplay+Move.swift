internal import Domain
internal import Logging
internal import Storage

extension ProgressDisplay {
    /// Takes note of what the move of a tenant tells.
    func note(_ event: MoveEvent, of tenant: TenantID) {
        switch event {
        case .progress(let progress): show(progress)
        case .stage(let stage):
            report(
                .notice, "\(tenant): \(stage.sentence)", "a tenant is moved",
                ["tenant": "\(tenant)", "stage": "\(stage.rawValue)"])
        }
    }
}

extension MoveStage {
    /// What is done at the stage, for a person.
    fileprivate var sentence: String {
        switch self {
        case .copying: "served where it is, while its rows are copied"
        case .draining: "workers finish what they hold of it"
        case .held: "held, while the last rows are copied"
        case .restoring: "given its service back where it was"
        case .switched: "lives at its new place"
        case .opened: "served there; its old place is cleared"
        }
    }
}
