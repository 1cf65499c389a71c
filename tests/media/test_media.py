"""The media servers of the tests start, tell of what is published, and leave nothing behind."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path
from typing import Any

from tests.daemons import CHECKOUT, get, wait_for
from tests.media import node_media_server
from tests.media.counting import CountingProxy
from tests.media.ffmpeg import Player, Publisher, Source, needs_ffmpeg
from tests.media.icecast import ADMIN_PASSWORD, ADMIN_USER, Icecast, needs_icecast
from tests.media.nginx import Nginx, needs_nginx
from tests.media.node_media_server import (
    NodeMediaServer2,
    NodeMediaServer4,
    needs_node_media_server,
)
from tests.media.process import Process, listens


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def token(url: str) -> str:
    """What a login at a Node-Media-Server 4 brings; it bears ten a minute."""
    user = {"username": node_media_server.USER, "password": node_media_server.PASSWORD}
    request = urllib.request.Request(
        f"{url}/api/v1/login", json.dumps(user).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return str(json.loads(response.read())["data"]["token"])


def nms4(url: str, token: str) -> Any:
    answer = get(f"{url}/api/v1/streams", Authorization=f"Bearer {token}")[2]
    return json.loads(answer)["data"]["streams"]


def nms2(server: NodeMediaServer2) -> Any:
    who = basic(node_media_server.USER, node_media_server.PASSWORD)
    status, _, body = get(f"{server.url}/api/streams", Authorization=who)
    assert status == 200, body
    return json.loads(body)


@needs_nginx
@needs_ffmpeg
class NginxTests(unittest.TestCase):
    def test_it_tells_of_what_is_published_and_outlives_nobody(self) -> None:
        with Nginx() as one, Nginx() as other, Publisher(one.rtmp('a&b<c>"x')) as camera:
            wait_for(lambda: b"<publishing/>" in get(one.stat)[2], 15, "the stream")
            self.assertIn(b"<name>a&amp;b&lt;c&gt;&quot;x</name>", get(one.stat)[2])
            self.assertNotIn(b"<stream>", get(other.stat)[2])
            camera.kill()
            wait_for(lambda: b"<stream>" not in get(one.stat)[2], 15, "no stream")
            workers = children(one.running.pid)
            self.assertTrue(workers)
        self.assertFalse(any(map(is_alive, [*workers, one.running.pid, camera.pid])))
        self.assertFalse(listens(one.rtmp_port))
        self.assertFalse(one.folder.exists())

    def test_a_player_is_left_when_the_publisher_goes(self) -> None:
        with Nginx() as nginx, Publisher(nginx.rtmp("cam")) as camera:
            wait_for(lambda: b"<active/>" in get(nginx.stat)[2], 15, "the stream")
            with Player(nginx.rtmp("cam")):
                wait_for(lambda: b"<nclients>2<" in get(nginx.stat)[2], 15, "the player")
                camera.stop()
                wait_for(lambda: b"<publishing/>" not in get(nginx.stat)[2], 15, "no publisher")
                self.assertIn(b"<name>cam</name>", get(nginx.stat)[2])

    def test_hls_reload_and_the_drop_of_an_idle_publisher(self) -> None:
        with (
            Nginx(drop_idle_publisher=3, hls_fragment=1) as nginx,
            Publisher(nginx.rtmp("cam", "hls")) as camera,
        ):
            wait_for(lambda: b"#EXTINF" in get(nginx.playlist("cam"))[2], 20, "a segment")
            camera.freeze()
            wait_for(lambda: b"<stream>" not in get(nginx.stat)[2], 15, "the drop")
            camera.kill()
            before = nginx.worker()
            nginx.reload()
            self.assertNotEqual(nginx.worker(), before)


@needs_icecast
@needs_ffmpeg
class IcecastTests(unittest.TestCase):
    def test_it_tells_of_its_sources(self) -> None:
        with (
            Icecast(source_timeout=3) as icecast,
            Source(icecast.source("one.mp3")) as one,
            Source(icecast.source("two.ogg"), name="-", codec="ogg"),
        ):
            stats = f"{icecast.url}/admin/stats"
            self.assertEqual(get(stats)[0], 401)

            def told() -> bytes:
                return get(stats, Authorization=basic(ADMIN_USER, ADMIN_PASSWORD))[2]

            wait_for(lambda: told().count(b"<source mount") == 2, 15, "both")
            with Player(icecast.mount("one.mp3")):
                wait_for(lambda: b"<listeners>1</listeners>" in told(), 15, "the listener")
            one.freeze()
            wait_for(lambda: told().count(b"<source mount") == 1, 15, "the drop")
            refused = [line for line in icecast.requests() if '"GET /admin/stats' in line]
            self.assertIn(" 401 ", refused[0])
        self.assertFalse(is_alive(icecast.running.pid))


@needs_node_media_server
@needs_ffmpeg
class NodeMediaServerTests(unittest.TestCase):
    def test_the_fourth_tells_of_its_streams(self) -> None:
        with (
            NodeMediaServer4() as server,
            CountingProxy(server.url) as proxy,
            Publisher(server.rtmp("cam1")) as camera,
        ):
            ours = token(proxy.url)
            wait_for(lambda: nms4(proxy.url, ours), 15, "the stream")
            (stream,) = nms4(server.url, ours)
            self.assertEqual(stream["key"], "/live/cam1")
            camera.kill()
            wait_for(
                lambda: nms4(server.url, ours)[0]["status"] == "reconnecting", 15, "no publisher"
            )
            self.assertEqual(proxy.requests.count("POST /api/v1/login"), 1)
        self.assertFalse(is_alive(server.running.pid))

    def test_the_second_tells_of_its_streams(self) -> None:
        with NodeMediaServer2() as server, Publisher(server.rtmp("cam")):
            self.assertEqual(get(f"{server.url}/api/streams")[0], 401)
            wait_for(lambda: nms2(server), 15, "the stream")
            self.assertGreater(nms2(server)["live"]["cam"]["publisher"]["bytes"], 0)
            server.restart()
            self.assertEqual(nms2(server), {})


STARTS_ALL = """
from tests.media.ffmpeg import Publisher
from tests.media.icecast import Icecast
from tests.media.nginx import Nginx
nginx, icecast = Nginx(workers=2), Icecast()
camera = Publisher(nginx.rtmp("cam"))
camera.freeze()
print(nginx.running.pid, icecast.running.pid, camera.pid, flush=True)
input()
"""


@needs_nginx
@needs_icecast
@needs_ffmpeg
class DeathTests(unittest.TestCase):
    def test_whatever_runs_ends_with_a_test_process_that_is_killed(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        Path(folder).chmod(0o711)  # Icecast is another user
        with subprocess.Popen(
            [sys.executable, "-c", STARTS_ALL],
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "TMPDIR": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as tests:
            assert tests.stdout
            pids = [int(word) for word in tests.stdout.readline().split()]
            self.assertEqual(len(pids), 3)
            pids += children(pids[0])
            self.assertGreaterEqual(len(pids), 5)
            tests.send_signal(signal.SIGKILL)
            wait_for(lambda: not any(map(is_alive, pids)), 10, f"the end of {pids}")

    def test_what_is_frozen_is_stopped_all_the_same(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        with Process(["sleep", "1000"], folder / "log") as process:
            process.freeze()
        self.assertFalse(is_alive(process.pid))
