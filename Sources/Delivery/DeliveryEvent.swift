package import Domain
package import Storage

/// What the workers tell their owner, for logs and metrics. Nothing in it names a person or quotes a message.
package enum DeliveryEvent: Sendable {
    /// The worker joined under this id.
    case joined(UUIDv7)
    /// The worker lost its lease, or could not renew it in time, and stopped with all it held.
    case fenced(UUIDv7, tenants: Int)
    /// The registry could not be asked.
    case registryFailed(StorageError)
    /// A tenant is worked from now on.
    case tookOver(TenantID, fence: Int64)
    /// A tenant is worked no more.
    case letGo(TenantID, fence: Int64)
    /// A tenant's queue, key, facts or providers could not be read, or its expired idempotency keys not be forgotten.
    /// What was claimed is tried again later; only a delivery whose own row cannot be read fails.
    case readFailed(TenantID, StorageError)
    /// Deliveries were claimed.
    case claimed(TenantID, count: Int)
    /// An earlier worker was lost while it held the delivery: it may be sent twice, with the same Message-ID.
    case repeated(TenantID, DeliveryID, claims: Int32)
    /// The word on a delivery is on disk.
    case recorded(TenantID, DeliveryResult)
    /// The word on a delivery came too late and was discarded: another worker holds it, or it is finished.
    case stale(TenantID, DeliveryResult)
    /// Words could not be written; they are tried again unless `willRetry` is false.
    case recordingFailed(TenantID, count: Int, StorageError, willRetry: Bool)
    /// A provider could not be reached, or asked for a pause, and rests.
    case providerRests(TenantID, ProviderID, Duration, code: String)
    /// A provider's stored configuration or secret cannot be used.
    case providerUnusable(TenantID, ProviderID, reason: String)
}
