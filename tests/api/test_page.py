"""The files of the page."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.api.support import MemoryCase
from tvmon.api.page import names
from tvmon.api.refusal import Refusal


class PageTests(MemoryCase):
    """What is served, and what is not."""

    def setUp(self) -> None:
        super().setUp()
        self.web = self.world.web
        (self.web / "js").mkdir()
        (self.web / "js/main.js").write_text("export {}; // " + "x" * 3000)
        (self.web / "tvmon.css").write_text("body {}")
        (self.web / "a b ü.txt").write_text("ü")
        (self.web / "icon.png").write_bytes(b"\x89PNG" + bytes(3000))
        (self.web / "data.xyz").write_bytes(b"?")
        (self.web / ".hidden").write_text("secret")
        (self.web / "js/.hidden").write_text("secret")
        (self.web.parent / f"{self.web.name}-secret.txt").write_text("secret")

    def test_the_page(self) -> None:
        for path in ("/", "/index.html", "/?lang=ru", "/index.html?x=%ff"):
            answer = self.get(path)
            self.assertEqual(answer.code, 200, path)
            self.assertEqual(answer.header("Content-Type"), "text/html; charset=utf-8")
            self.assertEqual(answer.body, b"<!doctype html>\n")
            self.assertEqual(answer.length, len(answer.body))

    def test_the_page_of_trends_has_an_address_without_an_ending(self) -> None:
        (self.web / "trend.html").write_text("<!doctype html><title>trend</title>")
        for path in ("/trend", "/trend.html", "/trend?graph=traffic.all"):
            answer = self.get(path)
            self.assertEqual(answer.code, 200, path)
            self.assertEqual(answer.header("Content-Type"), "text/html; charset=utf-8")
            self.assertIn(b"trend", answer.body)
        # relative addresses would lead astray from here
        self.assertEqual(self.get("/trend/").code, 404)

    def test_kinds(self) -> None:
        for path, kind in (
            ("/js/main.js", "text/javascript; charset=utf-8"),
            ("/tvmon.css", "text/css; charset=utf-8"),
            ("/a%20b%20%C3%BC.txt", "text/plain; charset=utf-8"),
            ("/icon.png", "image/png"),
            ("/data.xyz", "application/octet-stream"),
        ):
            answer = self.get(path)
            self.assertEqual((answer.code, answer.header("Content-Type")), (200, kind), path)

    def test_what_is_no_file_is_an_error_in_json(self) -> None:
        for path in (
            "/nothing",
            "/js",
            "/js/",
            "/js/nothing.js",
            "/index.html/",
            "/index.html/x",
            "//index.html",
            "/js//main.js",
            "/.hidden",
            "/js/.hidden",
            "/..",
            f"/../{self.web.name}-secret.txt",
            f"/js/../../{self.web.name}-secret.txt",
            f"/%2e%2e/{self.web.name}-secret.txt",
            f"/..%2f{self.web.name}-secret.txt",
            "/js%2fmain.js",
            "/%2fetc%2fpasswd",
            "/..%5cx",
            "/%00",
            "/index.html%00",
            "/" + "x" * 300,
            "/" + "x/" * 500,
        ):
            answer = self.get(path)
            self.assertEqual(answer.code, 404, path)
            self.assertTrue(answer.error["message"])
        self.assertEqual(self.get("/%ff").code, 400)
        self.assertEqual(self.get("/%zz").code, 400)

    def test_unchanged(self) -> None:
        first = self.get("/js/main.js")
        self.assertEqual(first.header("Cache-Control"), "no-cache")
        self.assertTrue(first.header("Last-Modified"))
        etag = first.header("ETag") or ""
        same = self.get("/js/main.js", If_None_Match=etag)
        self.assertEqual((same.code, same.body), (304, b""))
        path = self.web / "js/main.js"
        old = path.stat()
        path.write_text("export {}; // " + "y" * 3000)
        os.utime(path, (old.st_atime, old.st_mtime))
        changed = self.get("/js/main.js", If_None_Match=etag)
        self.assertEqual(changed.code, 200, "another version of the same size and time")

    def test_gzip(self) -> None:
        packed = self.get("/js/main.js", Accept_Encoding="gzip")
        self.assertEqual(packed.header("Content-Encoding"), "gzip")
        self.assertEqual(packed.header("Vary"), "Accept-Encoding")
        self.assertEqual(gzip.decompress(packed.body), self.get("/js/main.js").body)
        for path in ("/icon.png", "/tvmon.css"):
            self.assertIsNone(self.get(path, Accept_Encoding="gzip").header("Content-Encoding"))

    def test_head_and_other_methods(self) -> None:
        head = self.get("/js/main.js", "HEAD")
        self.assertEqual((head.code, head.body), (200, b""))
        refused = self.get("/js/main.js", "POST")
        self.assertEqual((refused.code, refused.header("Allow")), (405, "GET, HEAD"))
        self.assertEqual(refused.error["allowed"], ["GET", "HEAD"])
        self.assertEqual(self.get("/nothing", "POST").code, 404)

    def test_a_folder_that_is_gone(self) -> None:
        self.world.web = Path(self.mktemp())
        self.start()
        self.assertEqual(self.get("/").code, 404)
        self.assertEqual(self.get("/samples").code, 200)


class NameTests(SynchronousTestCase):
    """Which file an address means."""

    @given(st.binary(max_size=40))
    def test_no_address_leads_out_of_the_folder(self, path: bytes) -> None:
        try:
            parts = names(b"/" + path)
        except Refusal as refusal:
            self.assertIn(refusal.code, (400, 404))
            return
        top = Path("/top/folder")
        self.assertEqual(Path(os.path.normpath(top.joinpath(*parts))), top.joinpath(*parts))
        self.assertTrue(top.joinpath(*parts).is_relative_to(top))
        self.assertNotIn("\0", "".join(parts))
