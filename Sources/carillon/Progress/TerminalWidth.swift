internal import Foundation

/// How wide a terminal is.
enum TerminalWidth {
    /// Columns of the terminal behind a descriptor now; 80 if it does not say.
    static func current(of descriptor: CInt) -> Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
