"""What the page does when the daemon is lost, when it is stopped, and when nobody looks."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import House, Tab, until

LINE = "document.documentElement.dataset.line"
NOTING = """
  window.asked = [];
  const real = window.fetch;
  window.fetch = (address, ...more) => {
    window.asked.push([String(address), document.documentElement.dataset.line]);
    return real(address, ...more);
  };
"""


def asked(page: Any, line: str) -> list[str]:
    """What the page has asked for while its line was so; needs NOTING."""
    found: list[str] = page.evaluate(
        "line => asked.filter(([, then]) => then === line).map(([address]) => address)", line
    )
    return found


def test_a_lost_daemon_is_seen_and_comes_back_by_itself(house: House, tab: Tab) -> None:
    page = tab.open(house.url)
    until(page, f"{LINE} === 'live'")
    house.kill()
    until(page, f"{LINE} === 'lost'", timeout=5000)
    assert "no connection to tvmon for" in page.locator("#link").inner_text()
    assert page.title() == "no connection · tvmon"
    opacity = page.eval_on_selector("#streams", "table => getComputedStyle(table).opacity")
    assert float(opacity) < 1
    # the data is still there, and says how old it is
    assert page.locator("tr.stream").count() == 12
    until(
        page, "parseInt(document.querySelector('.totals .newest').textContent) >= 3", timeout=10000
    )
    until(page, "document.querySelector('#link').textContent.includes('HTTP 502')")
    house.start()
    until(page, f"{LINE} === 'live'", timeout=20000)
    until(page, "parseInt(document.querySelector('.totals .newest').textContent) < 3")
    assert page.title().endswith("bad · tvmon")
    assert page.locator("tr.stream").count() == 12


def test_a_daemon_that_hangs_is_seen(house: House, tab: Tab) -> None:
    # The silence that is waited for is half a minute; here the page is told that it is over.
    tab.page.add_init_script(
        """
        const real = setTimeout;
        window.setTimeout = (act, ms, ...more) => real(act, ms === 25000 ? 3000 : ms, ...more);
        """
    )
    page = tab.open(house.url)
    until(page, f"{LINE} === 'live'")
    house.daemon.process.send_signal(19)
    try:
        until(page, f"{LINE} === 'lost'", timeout=10000)
    finally:
        house.daemon.process.send_signal(18)
    until(page, f"{LINE} === 'live'", timeout=20000)


def test_stop_and_resume(house: House, tab: Tab) -> None:
    tab.page.add_init_script(NOTING)
    page = tab.open(house.url)
    until(page, f"{LINE} === 'live'")
    page.click("#stop")
    assert page.locator("#stop").inner_text() == "Resume"
    until(page, "document.querySelector('#link').textContent.startsWith('stopped')")
    assert page.title() == "stopped · tvmon"
    until(page, "document.querySelector('#link').textContent.includes('2 s')")
    assert asked(page, "stopped") == []
    page.click("#stop")
    until(page, f"{LINE} === 'live'")
    until(page, "asked.some(([address, line]) => address === 'events' && line === 'connecting')")


def test_what_is_under_way_at_a_stop_ends_and_nothing_follows(house: House, tab: Tab) -> None:
    tab.page.add_init_script(NOTING)
    held: list[Any] = []
    # the daemon takes its time
    tab.page.route("**/history?*", lambda route: held.append(route))
    page = tab.open(house.url)
    until(page, "asked.filter(([address]) => address.includes('history')).length === 3")
    page.click("#stop")
    until(page, f"{LINE} === 'stopped'")
    for route in held:
        route.continue_()
    tab.page.unroute("**/history?*")
    ended = "performance.getEntriesByType('resource').filter(one => one.name.includes('history'))"
    until(page, f"{ended}.length === 3")
    until(page, "document.querySelector('#link').textContent.includes('2 s')")
    assert asked(page, "stopped") == []
    page.click("#stop")
    until(page, "asked.filter(([address]) => address.includes('history')).length > 3")


def hide(page: Any, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_hidden_tab_closes_the_line_and_opens_it_again(house: House, tab: Tab) -> None:
    tab.page.add_init_script(NOTING)
    page = tab.open(house.url)
    until(page, f"{LINE} === 'live'")
    hide(page, True)
    until(page, f"{LINE} === 'stopped'", timeout=10000)
    mutations = page.evaluate(
        """() => new Promise((done) => {
          let count = 0;
          const observer = new MutationObserver((records) => { count += records.length; });
          observer.observe(document.body, { subtree: true, childList: true, characterData: true });
          setTimeout(() => done(count), 2500);
        })"""
    )
    assert mutations == 0
    assert asked(page, "stopped") == []
    hide(page, False)
    until(page, f"{LINE} === 'live'")
