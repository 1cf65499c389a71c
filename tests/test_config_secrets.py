"""Secrets in files, in every section that may have one."""

from __future__ import annotations

from tests.configured import ConfigTests
from tvmon.servers.kinds import OURS

URL = 'name = "a"\nurl = "http://h:8000"\nuser = "u"\n'
PLAYLIST = '[[server.playlists]]\nname = "p"\nurl = "http://h/p.m3u8"\n'
PLACES = (
    ("web", "[web]\n", "token", ""),
    ("web", '[web]\nuser = "u"\n', "password", ""),
    ("tvie", 'name = "a"\napi = "http://h/"\n', "token", ""),
    ("nginx-rtmp", URL, "password", ""),
    ("icecast", URL, "password", ""),
    ("node-media-server", URL, "password", ""),
    ("srs", URL, "password", ""),
    ("mediamtx", URL, "password", ""),
    ("mediamtx", 'name = "a"\nurl = "http://h:9997"\n', "token", ""),
    ("hls", 'name = "a"\nuser = "u"\n', "password", PLAYLIST),
)
"""A table or a kind, what its section says before its secret, the secret's key, and the rest."""


class SecretTests(ConfigTests):
    """``password_file`` beside ``password``, ``token_file`` beside ``token``."""

    def setUp(self) -> None:
        super().setUp()
        self.secret = self.folder / "secret"
        self.secret.write_text("geheim\n")

    def text(self, place: tuple[str, str, str, str], line: str) -> str:
        """The section with this line for its secret, ``KEY`` in it the secret's name."""
        kind, before, key, behind = place
        head = "" if kind == "web" else f'[[server]]\nkind = "{kind}"\n'
        return f"{head}{before}{line.replace('KEY', key)}\n{behind}"

    def test_each_kind_is_tried(self) -> None:
        self.assertEqual({kind for kind, *_ in PLACES} - {"web"}, {kind.name for kind in OURS})

    def test_a_file_is_as_good_as_the_secret_itself(self) -> None:
        for place in PLACES:
            with self.subTest(place):
                by_file = self.load(self.text(place, 'KEY_file = "secret"'))
                self.assertEqual(by_file, self.load(self.text(place, 'KEY = "geheim"')))
                self.assertNotEqual(by_file, self.load(self.text(place, 'KEY = "other"')))
                self.assertNotIn("geheim", repr(by_file))

    def test_a_new_content_makes_a_new_section_and_nothing_else(self) -> None:
        for place in PLACES:
            with self.subTest(place):
                text = self.text(place, 'KEY_file = "secret"')
                self.secret.write_text("one")
                before = self.load(text)
                self.assertEqual(before, self.load(text))
                self.secret.write_text("other")
                after = self.load(text)
                mine, others = ("web", "servers") if place[0] == "web" else ("servers", "web")
                self.assertNotEqual(getattr(before, mine), getattr(after, mine))
                self.assertEqual(getattr(before, others), getattr(after, others))

    def test_what_is_wrong_with_a_file_is_the_only_problem_and_shows_no_secret(self) -> None:
        for content, expected in (
            (b"", "names a file that is empty"),
            (b"geheim\ngeheim\n", "names a file of several lines"),
            (b"geheim\xff", "cannot be read: it is not UTF-8 text"),
            (b"geheim\x07", "names a file that holds control characters"),
        ):
            self.secret.write_bytes(content)
            for place in PLACES:
                with self.subTest(place, content=content):
                    [line] = self.wrong(self.text(place, 'KEY_file = "secret"'))
                    table = "web" if place[0] == "web" else "server[1]"
                    start = f'{table}.{place[2]}_file = "secret": {expected}'
                    self.assertTrue(line.startswith(start), line)
                    self.assertNotIn("geheim", line)

    def test_a_file_that_is_not_there(self) -> None:
        for place in PLACES:
            with self.subTest(place):
                [line] = self.wrong(self.text(place, 'KEY_file = "nowhere"'))
                self.assertTrue(line.endswith("cannot be read: No such file or directory"), line)

    def test_both_are_one_too_many(self) -> None:
        for place in PLACES:
            with self.subTest(place):
                [line] = self.wrong(self.text(place, 'KEY = "verborgen"\nKEY_file = "secret"'))
                self.assertTrue(line.endswith(f"must not be there beside {place[2]}"), line)
                self.assertNotIn("verborgen", line)

    def test_a_path_from_the_environment_is_not_shown(self) -> None:
        for place in PLACES:
            with self.subTest(place):
                text = self.text(place, 'KEY_file = "${PLACE}/secret"')
                self.load(text, PLACE=str(self.folder))
                [line] = self.wrong(text, PLACE="/nowhere")
                self.assertIn('_file = "${PLACE}/secret": cannot be read', line)
                self.assertNotIn("nowhere", line)
