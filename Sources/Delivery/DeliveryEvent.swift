/// x
package enum DeliveryEvent: Sendable {
}
