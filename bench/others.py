"""
What people would use instead of tvmon: Prometheus, and collectd with curl_json and csv.

Each polls every stream of a target, and keeps all 21 numbers of each answer.  Prometheus gets them
as every exporter writes them, with a line of help and of type before each; bare lines would cost
it some 5 % less.  collectd takes every number for a gauge, which spares it the rates.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from bench.targets import Target
from tests.media.process import Server, free_ports
from tvmon.servers.tvie_sample import ALWAYS, OF_A_STREAM

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
PLUGINS = Path("/usr/lib/collectd")
READ_THREADS = 10
"""More than the five that collectd has unless told otherwise: a read takes a thread of its own."""


class Peer(Server):
    """
    One of them, at work on a target.

    :cvar packages: of Debian, that it needs
    """

    packages: tuple[str, ...]
    program: str | None

    def __init__(self, target: Target) -> None:
        self.target = target
        super().__init__()

    @property
    def pid(self) -> int:
        """Of its only process."""
        return self.running.pid

    @classmethod
    def is_there(cls) -> bool:
        """Whether it is installed."""
        return cls.program is not None


class Prometheus(Peer):
    """Prometheus with a target for each stream, its TSDB in a temporary folder."""

    packages = ("prometheus",)
    program = shutil.which("prometheus", path=PATH)

    def prepare(self) -> Sequence[str]:
        (self.http_port,) = free_ports(1)
        (self.folder / "targets.json").write_text(json.dumps(prometheus_targets(self.target)))
        interval = round(1000 * self.target.interval)
        config = self.folder / "prometheus.yml"
        config.write_text(f"""
global: {{scrape_interval: {interval}ms, scrape_timeout: {round(0.8 * interval)}ms}}
scrape_configs:
  - job_name: media
    file_sd_configs: [{{files: [{self.folder}/targets.json]}}]
""")
        assert self.program is not None
        return [
            self.program,
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.http_port}",
            "--log.level=warn",
        ]

    def is_ready(self) -> bool:
        """Whether it answers queries; before that it says 503."""
        try:
            urlopen(f"{self.url}/-/ready", timeout=2).close()
        except OSError as error:
            if isinstance(error, HTTPError):
                error.close()
            return False
        return True

    def good(self) -> float:
        """The share of its targets that are up."""
        with urlopen(f"{self.url}/api/v1/query?query=sum(up)", timeout=60) as response:
            result = json.load(response)["data"]["result"]
        return float(result[0]["value"][1]) / self.target.streams if result else 0.0


class Collectd(Peer):
    """collectd with a URL for each stream, which writes every number into a CSV file of its own."""

    packages = ("collectd-core", "libyajl2", "libcurl3-gnutls")
    program = shutil.which("collectd", path=PATH)

    @classmethod
    def is_there(cls) -> bool:
        """Whether it is installed; its package does not ask for the libraries of its plugins."""
        return super().is_there() and all(
            any(folder.glob(f"*/{library}*") for folder in (Path("/usr/lib"), Path("/lib")))
            for library in ("libyajl.so.2", "libcurl-gnutls.so.4")
        )

    def prepare(self) -> Sequence[str]:
        config = self.folder / "collectd.conf"
        config.write_text(collectd_config(self.target, self.folder))
        assert self.program is not None
        return [self.program, "-f", "-C", str(config)]

    def is_ready(self) -> bool:
        """Whether it has kept anything."""
        return (self.folder / "csv").exists()

    def good(self) -> float:
        """The share of its files that there are."""
        files = sum(1 for _ in (self.folder / "csv").glob("bench/*/gauge-*"))
        return files / self.target.streams / len((*ALWAYS, *OF_A_STREAM))


def prometheus_targets(target: Target) -> list[dict[str, object]]:
    """The targets of Prometheus, for ``file_sd_configs``."""
    return [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"__metrics_path__": path, "stream": f"{server}{path}"},
        }
        for server, port, path in target.addresses("prometheus")
    ]


def collectd_config(target: Target, folder: Path) -> str:
    """The whole configuration of collectd."""
    keys = "".join(
        f"""
    <Key "{name}">
      Type "gauge"
    </Key>"""
        for name in (*ALWAYS, *OF_A_STREAM)
    )
    urls = "".join(
        f"""
  <URL "http://127.0.0.1:{port}{path}">
    Instance "{server}-{path.rpartition("/")[2]}"{keys}
  </URL>"""
        for server, port, path in target.addresses("json")
    )
    return f"""
Hostname "bench"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/pid"
PluginDir "{PLUGINS}"
TypesDB "/usr/share/collectd/types.db"
Interval {target.interval}
ReadThreads {READ_THREADS}
LoadPlugin logfile
<Plugin logfile>
  LogLevel "warning"
  File "{folder}/collectd.log"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "{folder}/csv"
  StoreRates false
</Plugin>
LoadPlugin curl_json
<Plugin curl_json>{urls}
</Plugin>
"""
