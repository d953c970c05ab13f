extension PostgresConfiguration {
    /// Lets the server end a session within about eleven seconds when this program's machine is gone, and not when the system's
    /// keep-alives find out, which takes two hours: for sessions whose transactions may wait for us without end, and hold
    /// locks meanwhile. It is the server's side of what ``ConnectionParameters`` asks of ours; on Unix sockets it has no effect.
    package mutating func noticeVanishedClient() {
        sessionSettings["tcp_keepalives_idle"] = "5"
        sessionSettings["tcp_keepalives_interval"] = "2"
        sessionSettings["tcp_keepalives_count"] = "3"
        sessionSettings["tcp_user_timeout"] = "5000"
    }
}
