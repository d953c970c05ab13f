"""Two PostgreSQL servers of which one follows the other: what a cluster manager looks after, without the manager.

Replication is synchronous: what was acknowledged is on both disks. What a manager does at a failover is done by the tests,
step by step: the primary goes, in one way or another, and the standby is promoted.
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from urllib.parse import quote

from .cluster import Cluster, Database, bootstrap
from .load import free_port
from .server import HOST
from .waiting import eventually

# The standby looks for its primary often, so that commits do not wait long for it after a restart; and a recovery does not
# begin with a sync of each of some thousand files.
USUAL = {"wal_retrieve_retry_interval": "100ms", "wal_keep_size": "256MB", "recovery_init_sync_method": "syncfs"}


class Standby(Cluster):
    """A copy of another server that follows it until it is promoted."""

    def __init__(self, primary: Cluster, settings: dict[str, str], folder: Path | None = None) -> None:
        self.primary = primary
        super().__init__(settings, folder)

    def make(self) -> None:
        self.run(
            "pg_basebackup", "--host", str(self.primary.folder), "--port", self.primary.port, "--username", "postgres",
            "--pgdata", str(self.data), "--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast",
            "--no-sync",
        )  # fmt: skip


class ReplicatedPair:
    """A primary and its standby, reached by their sockets, or by ports of the loopback interface."""

    def __init__(self, over_tcp: bool = False) -> None:
        self.over_tcp = over_tcp
        # Where clients reach the server of a folder, if not by its socket there.
        self.places: dict[Path, str] = {}
        self.standby: Cluster | None = None
        self.primary = Cluster(self.settings())
        self.gone: list[Cluster] = []
        try:
            self.follow()
        except BaseException:
            self.remove()
            raise
        # The standby comes first: whoever connects has to find out that it cannot be written to.
        assert self.standby
        self.order = [self.standby, self.primary]

    def settings(self) -> dict[str, str]:
        listening = {"listen_addresses": HOST, "port": str(free_port())} if self.over_tcp else {}
        return {**USUAL, **listening}

    def follow(self, settings: dict[str, str] | None = None, folder: Path | None = None) -> None:
        """Gives the primary a standby, and returns when commits wait for it."""
        self.standby = Standby(self.primary, settings or self.settings(), folder)
        # The copy does not have this setting: once promoted, it waits for nobody.
        self.primary.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.execute("postgres", "SELECT pg_reload_conf()")
        self.expect_following()

    def expect_following(self) -> None:
        eventually(
            lambda: self.primary.execute("postgres", "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"),
            "the standby follows", 30, seen=lambda: self.standby and self.standby.server.tail(),
        )  # fmt: skip

    # What happens to a primary

    def kill_primary(self) -> None:
        """kill -9: its sessions find out by themselves."""
        self.primary.stop(signal.SIGKILL)

    def restart_primary(self, mode: signal.Signals) -> None:
        self.primary.stop(mode)
        self.primary.start()
        self.expect_following()

    def promote(self) -> None:
        """The standby becomes the primary, and waits for nobody; the old one must be gone."""
        assert self.standby and self.primary.server is None
        self.gone.append(self.primary)
        self.primary, self.standby = self.standby, None
        assert self.primary.execute("postgres", "SELECT pg_promote(true, 30)") == "t"

    def rejoin(self) -> None:
        """The one that is gone comes back as a standby of the other, at the same place, with a fresh copy."""
        former = self.gone.pop()
        shutil.rmtree(former.data)
        self.follow(former.settings, former.folder)

    def remove(self) -> None:
        for one in [self.primary, self.standby, *self.gone]:
            if one:
                one.remove()

    # Databases

    def make_database(self) -> PairDatabase:
        name = f"e2e_{next(Cluster.numbers)}"
        self.primary.execute("postgres", f"CREATE DATABASE {name}")
        database = PairDatabase(self, name)
        database.execute(bootstrap())
        return database


class PairDatabase(Database):
    """A database wherever the primary is."""

    def __init__(self, pair: ReplicatedPair, name: str) -> None:
        self.pair = pair
        super().__init__(pair.primary, name)

    @property
    def cluster(self) -> Cluster:
        return self.pair.primary

    @cluster.setter
    def cluster(self, _: Cluster) -> None:
        """It is asked of the pair each time."""

    def url(self, user: str) -> str:
        if self.pair.over_tcp:
            return f"postgresql://{user}@{','.join(f'{HOST}:{one.port}' for one in self.pair.order)}/{self.name}"
        places = [self.pair.places.get(one.folder, str(one.folder)) for one in self.pair.order]
        hosts = quote(",".join(places), safe="")
        return f"postgresql://{user}@/{self.name}?host={hosts}"
