"""The HTML page in a real browser: sorting, filtering, opening a pair, and no request at all."""

import json
import shutil
from dataclasses import replace

import pytest

from milbench.report.html import to_html

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium comes with milbench[test]")
from selenium.webdriver.common.by import By  # noqa: E402  # there when the line above passed
from selenium.webdriver.common.keys import Keys  # noqa: E402

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


@pytest.fixture(scope="module")
def browser():
    """Return a headless Chromium, or skip with the reason."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no browser: needs chromium and chromedriver on the path")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    flags = ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage")
    for flag in (*flags, "force-prefers-reduced-motion", "window-size=1280,1000"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that opens a board's page; at the end nothing may have gone wrong."""

    def open_page(board):
        file = tmp_path / "index.html"
        file.write_text(to_html(board), encoding="utf-8")
        browser.get(file.as_uri())
        return browser

    browser.get_log("browser")
    browser.get_log("performance")
    yield open_page
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    addresses = {params["request"]["url"].partition(":")[0] for params in sent}
    assert addresses <= {"file", "data"}
    assert sum(params["request"]["url"].startswith("file") for params in sent) == 1


def names(browser, selector="#data-1 > .scroll tbody tr"):
    """Return the names of the visible rows of the ranked table."""
    rows = browser.find_elements(By.CSS_SELECTOR, selector)
    return [row.find_element(By.TAG_NAME, "th").text for row in rows if row.is_displayed()]


def head(browser, text):
    """Return the button in the head of a column of the ranked table."""
    heads = browser.find_elements(By.CSS_SELECTOR, "#data-1 > .scroll thead th")
    (found,) = [h for h in heads if h.text.replace("\n", " ") == text]
    return found.find_element(By.TAG_NAME, "button")


def test_a_click_sorts_and_another_turns(visit, compared):
    """By value the worst comes first on the second click, and the head says which way it is."""
    browser = visit(compared)
    button = head(browser, "AUROC [95% CI]")
    button.click()

    assert names(browser) == ["dsmil", "abmil", "max", "prior (control)"]
    assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") == "descending"
    button.click()
    assert names(browser) == ["prior (control)", "max", "abmil", "dsmil"]
    assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    head(browser, "Method").click()
    assert names(browser) == ["abmil", "dsmil", "max", "prior (control)"]
    sorted_heads = browser.find_elements(By.CSS_SELECTOR, "#data-1 > .scroll th[aria-sort]")
    assert [h.text for h in sorted_heads] == ["Method"]


def test_missing_values_stay_last(visit, compared):
    """A dash is neither small nor large."""
    section = compared.sections[0]
    first = section.rows[0]
    undefined = replace(first, cost=replace(first.cost, parameters=float("nan")))
    more = replace(section.rows[1], cost=replace(section.rows[1].cost, parameters=12345.0))
    board = replace(
        compared, sections=(replace(section, rows=(undefined, more, *section.rows[2:])),)
    )
    browser = visit(board)
    head(browser, "Parameters").click()
    assert names(browser) == ["max", "prior (control)", "abmil", "dsmil"]
    head(browser, "Parameters").click()
    assert names(browser) == ["abmil", "max", "prior (control)", "dsmil"]


def test_keyboard_alone_sorts(visit, compared):
    """The head is a button: the tab key reaches it and the enter key works."""
    browser = visit(compared)
    button = head(browser, "Method")
    button.send_keys(Keys.ENTER)

    assert browser.switch_to.active_element == button
    assert names(browser) == ["abmil", "dsmil", "max", "prior (control)"]


def test_words_filter_every_table(visit, compared):
    """Any of the words may be in a name; the count says how many are left."""
    browser = visit(compared)
    box = browser.find_element(By.ID, "filter")
    box.send_keys("DSM max")

    assert names(browser) == ["dsmil", "max"]
    assert browser.find_element(By.ID, "count").text == "2 of 4 methods"
    assert names(browser, "#data-1 .figures tbody tr") == ["dsmil", "max"] * 2
    box.clear()
    box.send_keys("no such method")
    assert names(browser) == []


def test_controls_can_be_hidden(visit, compared):
    """The box that is ticked at first."""
    browser = visit(compared)
    browser.find_element(By.ID, "controls").click()

    assert names(browser) == ["dsmil", "abmil", "max"]
    assert browser.find_element(By.ID, "count").text == "3 of 4 methods"


def test_a_cell_of_the_matrix_opens_its_pair(visit, compared):
    """Both tests of the pair stand beside the matrix, and the address does not change."""
    browser = visit(compared)
    box = browser.find_element(By.CSS_SELECTOR, "#data-1 .pair")
    assert not box.is_displayed()
    address = browser.current_url
    browser.find_element(By.CSS_SELECTOR, ".matrix a[title='abmil is worse than dsmil']").click()

    assert box.find_element(By.TAG_NAME, "h4").text == "dsmil \N{MINUS SIGN} abmil"
    told = [e.text for e in box.find_elements(By.CSS_SELECTOR, "dt, dd")]
    shown = dict(zip(told[::2], told[1::2], strict=True))
    assert shown["Difference [95% CI]"] == "+0.020 [-0.010, 0.050]"
    assert shown["T interval"] == "[-0.030, 0.070]"
    assert (shown["Mark"], shown["Codes"]) == ("‡", "FEW_PATIENTS")
    assert browser.current_url == address


def test_arrows_move_in_the_matrix(visit, compared):
    """One stop of the tab key; arrows go over the diagonal and stop at the edge."""
    browser = visit(compared)
    stops = browser.find_elements(By.CSS_SELECTOR, ".matrix a[tabindex='0']")
    assert len(stops) == 1
    stops[0].send_keys(Keys.ARROW_UP)
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)  # over the diagonal
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    browser.switch_to.active_element.send_keys(Keys.ENTER)

    assert browser.find_element(By.CSS_SELECTOR, ".pair h4").text == "max \N{MINUS SIGN} prior"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_width_makes_the_page_scroll_sideways(visit, two, scheme):
    """At the width of a phone tables scroll in their own boxes; the colours follow the system."""
    browser = visit(two)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        width = browser.execute_script("return document.documentElement.scrollWidth")
        paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    light = sum(int(part) for part in paper.strip("rgb()").split(",")) > 3 * 128

    assert width == PHONE["width"]
    assert light == (scheme == "light")


def test_hostile_names_do_nothing(visit, hostile):
    """A name that is a script is read as text, in the table, in the pair and by the filter."""
    evil = "<img src=x onerror='document.title=1'><script>document.title=2</script>"
    section = hostile.sections[0]
    rows = (replace(section.rows[0], method=evil), *section.rows[1:])
    board = replace(hostile, suite=evil, sections=(replace(section, rows=rows),))
    browser = visit(board)
    browser.find_element(By.ID, "filter").send_keys("onerror")

    assert browser.title == f"Leaderboard: {evil}"
    assert names(browser) == [evil]


def test_page_without_script_has_its_tables(browser, tmp_path, compared):
    """With scripts off the tables are there, and the tools that would do nothing are not."""
    file = tmp_path / "index.html"
    file.write_text(to_html(compared), encoding="utf-8")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(file.as_uri())
        link = browser.find_element(By.CSS_SELECTOR, ".matrix a[title='abmil is worse than dsmil']")
        link.click()
        target = browser.find_element(By.CSS_SELECTOR, "tr:target th")
        shown = (target.text, target.is_displayed())
        tools = browser.find_element(By.CLASS_NAME, "tools").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

    assert shown == ("dsmil \N{MINUS SIGN} abmil", True)
    assert not tools
