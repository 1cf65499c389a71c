"""``tvmon probe``: what it asks, what its command line takes, and the sections that it writes."""

from __future__ import annotations

import tomllib
import unittest
from unittest.mock import Mock, patch

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.support import CommandTests
from tvmon.cli.arguments import Host, host
from tvmon.cli.probing import Discovery, questions, sections
from tvmon.config.watched import NAME_CHARACTERS
from tvmon.servers import Found, Kind, Probe
from tvmon.servers.kinds import kinds

TVIE = kinds()["tvie"]
HERE = Host("media1.example", None)


def kind(name: str, *probes: Probe) -> Kind:
    return Kind(name, TVIE.configured, probes=probes)


def probe_of(*ports: int, path: str = "/stat", wanted: tuple[str, ...] = ()) -> Probe:
    return Probe(ports, path, lambda answer, base: None, wanted)


def discovery(name: str = "icecast", port: int = 8000, **options: str) -> Discovery:
    base = f"http://media1.example:{port}"
    return Discovery(name, port, base, Found(f"a {name}", {"url": base, **options}))


def written(*found: Discovery, at: Host = HERE) -> tuple[str, list[dict[str, str]]]:
    """The text, and the sections in it."""
    text = "".join(f"{line}\n" for lines in sections(at, found) for line in lines)
    return text, tomllib.loads(text)["server"]


class QuestionTests(unittest.TestCase):
    """What is asked, and where."""

    def urls(self, *of: Kind, name: str = "h", ports: tuple[int, ...] = ()) -> list[str]:
        return [question.request.url for question in questions(of, name, ports)]

    def test_every_probe_at_its_usual_ports(self) -> None:
        one, two = kind("a", probe_of(80, 8080), probe_of(8000, path="/x")), kind("b", probe_of(1))
        self.assertEqual(
            self.urls(one, two),
            ["http://h/stat", "http://h:8080/stat", "http://h:8000/x", "http://h:1/stat"],
        )

    def test_every_path_at_every_given_port_and_at_no_other(self) -> None:
        one = kind("a", probe_of(80, path="/a"), probe_of(8000, path="/b"))
        self.assertEqual(
            self.urls(one, ports=(90, 91)),
            ["http://h:90/a", "http://h:91/a", "http://h:90/b", "http://h:91/b"],
        )

    def test_what_two_kinds_want_is_asked_once(self) -> None:
        one, two = kind("a", probe_of(80, wanted=("server",))), kind("b", probe_of(80))
        [question] = questions((one, two), "h", (80, 80))
        self.assertEqual(question.request.wanted, ("server",))
        self.assertEqual([asker.name for asker, _ in question.askers], ["a", "b"])

    def test_https_at_its_ports(self) -> None:
        self.assertEqual(
            self.urls(kind("a", probe_of(443, 8443)), name="[2001:db8::7]"),
            ["https://[2001:db8::7]/stat", "https://[2001:db8::7]:8443/stat"],
        )


class SectionTests(unittest.TestCase):
    """What is found becomes sections of a configuration."""

    def test_one_server_is_called_as_its_host(self) -> None:
        text, [server] = written(discovery())
        self.assertEqual(
            server,
            {"kind": "icecast", "name": "media1.example", "url": "http://media1.example:8000"},
        )
        self.assertTrue(text.startswith("\n# media1.example:8000: a icecast\n[[server]]\n"))

    def test_names_differ(self) -> None:
        _, servers = written(discovery(), discovery("srs", 1985))
        names = [server["name"] for server in servers]
        self.assertEqual(names, ["media1.example-icecast", "media1.example-srs"])
        _, servers = written(discovery(), discovery(port=8001), discovery("srs", 1985))
        self.assertEqual(
            [server["name"] for server in servers],
            ["media1.example-icecast-8000", "media1.example-icecast-8001", "media1.example-srs"],
        )

    def test_an_address_is_a_name_without_brackets(self) -> None:
        _, [server] = written(discovery(), at=Host("[2001:db8::7]", None))
        self.assertEqual(server["name"], "2001:db8::7")

    def test_a_long_host_leaves_room_for_what_tells_them_apart(self) -> None:
        _, servers = written(discovery(), discovery("srs"), at=Host("x" * 253, None))
        names = [server["name"] for server in servers]
        self.assertEqual([len(name) for name in names], [NAME_CHARACTERS] * 2)
        self.assertEqual(len(set(names)), 2)

    def test_it_is_said_which_variables_to_set(self) -> None:
        text, _ = written(discovery(user="${A_USER}", password="${A_PASSWORD}"))
        self.assertIn("# Set A_USER and A_PASSWORD in tvmon's environment.\n", text)
        self.assertIn("into a file, with password_file in the place of password.\n", text)
        self.assertNotIn("user_file", text)

    @given(st.text(), st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
    def test_whatever_was_found_is_a_section_and_nothing_else(
        self, what: str, options: dict[str, str]
    ) -> None:
        options = {key: value for key, value in options.items() if not surrogates(key + value)}
        found = Discovery("a", 1, "http://h:1", Found(what, options))
        [lines] = sections(HERE, [found])
        [server] = tomllib.loads("".join(f"{line}\n" for line in lines))["server"]
        self.assertEqual(server, {"kind": "a", "name": "media1.example", **options})


def surrogates(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


class HostTests(CommandTests):
    """The command line."""

    def test_a_host_with_and_without_a_port(self) -> None:
        for text, expected in (
            ("media1", ("media1", None)),
            ("media1.example:8080", ("media1.example", 8080)),
            ("192.0.2.7", ("192.0.2.7", None)),
            ("192.0.2.7:1", ("192.0.2.7", 1)),
            ("2001:db8::7", ("[2001:db8::7]", None)),
            ("::1", ("[::1]", None)),
            ("[2001:db8::7]", ("[2001:db8::7]", None)),
            ("[2001:db8::7]:65535", ("[2001:db8::7]", 65535)),
        ):
            with self.subTest(text):
                self.assertEqual(host(text), expected)

    def test_what_is_no_host_is_refused(self) -> None:
        for text in ("", "10.0.0.0/24", "a b", "h:0", "h:x", "*.example", "[::1", "fe80::1%eth0"):
            with self.subTest(text):
                self.wrong("must be one host, as media1.example, 192.0.2.7", "probe", text)

    def test_a_url_is_refused_with_the_host_in_it(self) -> None:
        for url in ("http://media1.example:8080/stat", "http://u:geheim@media1.example:8080/"):
            _, _, err = self.run_main("probe", url)
            self.assertIn("and no URL; did you mean media1.example:8080?", err)
            self.assertNotIn("geheim", err)
            self.assertEqual(self.run_main("probe", url)[0], 2)

    def test_wrong_ports_kinds_and_deadlines(self) -> None:
        for arguments, words in (
            (("h", "--port", "0"), "must be a port, 1 to 65535"),
            (("h", "--port", "80-90"), "must be a port, 1 to 65535"),
            (("h", "--port", "65536"), "must be a port, 1 to 65535"),
            (("h", "--deadline", "0"), "must be seconds, 0.05 to 65"),
            (("h", "--kind", "nothing"), "invalid choice"),
            (("h", "--kind", "tvie"), "nothing on a host tells that it runs tvie"),
            ((), "HOST"),
            (("h", "i"), "unrecognized arguments: i"),
        ):
            with self.subTest(arguments):
                self.wrong(words, "probe", *arguments)

    def test_what_is_said_is_what_is_done(self) -> None:
        probe = self.enterContext(patch("tvmon.cli.probe", new_callable=Mock))
        self.enterContext(patch("tvmon.cli._run", lambda job: job(None) and 0))
        self.run_main("probe", "::1", "--port", "1", "2", "--port", "3", "--kind", "icecast")
        self.run_main("probe", "h:4", "--port", "5", "-v", "--deadline", "1.5")
        first, second = probe.call_args_list
        self.assertEqual(first.args[1:], (Host("[::1]", None), [kinds()["icecast"]], [1, 2, 3]))
        self.assertEqual((first.kwargs["deadline"], first.kwargs["verbose"]), (3.0, False))
        self.assertEqual(second.args[1:], (Host("h", 4), [*kinds().values()], [4, 5]))
        self.assertEqual((second.kwargs["deadline"], second.kwargs["verbose"]), (1.5, True))
