/// Holds a value whose methods change it, so that expectations can call them: `#expect` takes no mutating call.
final class Held<Value> {
    var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func callAsFunction<Result>(_ body: (inout Value) -> Result) -> Result { body(&value) }
}
