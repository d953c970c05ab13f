internal import Delivery
internal import Domain
internal import Services

/// Carries the word of work from the services, which know no workers, to the worker, which knows no services.
struct WorkerSignal: DeliverySignal {
    private let worker: DeliveryWorker

    init(_ worker: DeliveryWorker) {
        self.worker = worker
    }

    func wake(_ tenant: TenantID) {
        worker.wake(tenant)
    }
}
