"""What a reader does with the page works, without a console message and without a request."""

from __future__ import annotations

from bench.load.audits import audit_document
from tests.page.audits import edge, namespace, small
from tests.page.conftest import Open


def test_a_search_leaves_the_namespaces_that_match_in_the_table_and_the_picture(
    opened: Open,
) -> None:
    found = opened(small())
    found.page.get_by_role("searchbox").fill("garage")
    assert found.rows() == ["photos"]
    assert found.boxes(1) == ["photos"]
    assert found.page.locator("#matching").inner_text() == "1 of 6 Namespaces"
    found.page.get_by_role("button", name="Show all", exact=True).click()
    assert len(found.rows()) == 6


def test_a_state_is_chosen_by_its_count(opened: Open) -> None:
    found = opened(small())
    tile = found.page.get_by_role("button", name="1 Hatch open")
    tile.click()
    assert found.rows() == ["recipes"]
    assert tile.get_attribute("aria-pressed") == "true"
    tile.click()
    assert len(found.rows()) == 6


def test_a_search_without_a_match_says_so(opened: Open) -> None:
    found = opened(small())
    found.page.get_by_role("searchbox").fill("no such thing")
    assert found.page.get_by_text("No Namespace matches.").is_visible()


def test_the_picture_shows_callers_and_targets(opened: Open) -> None:
    found = opened(small())
    assert found.boxes(0) == [
        "the world",
        "192.168.1.0/24",
        "external gateway",
        "internal gateway",
        "photos",
    ]
    assert found.boxes(2) == ["the world", "garage-s3", "database"]
    assert found.page.locator("#flow path").count() == 9


def test_what_everybody_has_comes_into_the_picture_when_asked_for(opened: Open) -> None:
    document = small()
    # DNS is in the profiles themselves, so that it works without the baseline as well.
    document["access"]["edges"].append(edge("ns/wiki", "dns", ["53/TCP"], "profile", "internal"))
    found = opened(document)
    assert "cluster DNS" not in found.boxes(2)
    assert found.page.get_by_role("row").filter(has_text="wiki").get_by_text("DNS").count() == 0
    found.page.get_by_label("what everybody has: DNS, probes, metrics").check()
    assert "cluster DNS" in found.boxes(2)


def test_pods_of_one_namespace_are_no_way_between_namespaces(opened: Open) -> None:
    document = audit_document(60)
    for each in document["namespaces"]:
        own = f"ns/{each['name']}"
        document["access"]["edges"].append(edge(own, own, ["*/TCP"], "profile", "standard"))
    found = opened(document)
    found.page.get_by_role("button", name="its own pods").click()
    chosen = found.page.locator("#chosen").inner_text()
    assert "may reach its own pods on every TCP port" in chosen
    assert found.boxes(0).count("its own pods") == 0


def test_a_chosen_box_says_its_connections_until_it_is_closed(opened: Open) -> None:
    found = opened(small())
    found.page.locator("#flow").get_by_role("button", name="internal gateway").focus()
    found.page.keyboard.press("Enter")
    chosen = found.page.locator("#chosen")
    assert "internal gateway may reach photos on 8080/TCP, by profile standard" in (
        chosen.inner_text()
    )
    assert found.page.locator("#flow path.on").count() == 1
    chosen.get_by_role("button", name="Close").press("Enter")
    assert chosen.inner_text() == ""
    assert found.page.locator("#flow path.on").count() == 0
    assert found.page.evaluate("document.activeElement.innerText") == "internal gateway"


def test_the_table_beside_the_picture_says_the_same(opened: Open) -> None:
    found = opened(small())
    found.page.get_by_text("The picture as a table").click()
    rows = found.page.locator("#flow-table tbody tr").all_inner_texts()
    assert "photos\tdatabase\t5432/TCP\tgrant postgres" in rows
    assert len(rows) == found.page.locator("#flow path").count()


def test_many_namespaces_are_one_box_for_each_profile_and_state(opened: Open) -> None:
    document = audit_document(500)
    found = opened(document)
    states = {each["state"] for each in document["namespaces"]} - {"enforced"}
    profiles = {each["profile"] for each in document["namespaces"] if each["state"] == "enforced"}
    assert len(found.boxes(1)) == len(states) + len(profiles)
    found.page.locator("#flow .column").nth(1).get_by_text("isolated").click()
    isolated = [each for each in document["namespaces"] if each["profile"] == "isolated"]
    count = sum(each["state"] == "enforced" for each in isolated)
    chosen = found.page.locator("#chosen")
    assert f"isolated: {count} Namespaces" in chosen.inner_text()
    chosen.get_by_role("button", name="Show only isolated").click()
    assert set(found.rows()) <= {each["name"] for each in isolated}


def test_many_networks_are_one_box_that_names_them(opened: Open) -> None:
    document = small()
    for number in range(20):
        network = f"network/10.0.{number}.0/24"
        node = {"id": network, "kind": "network", "label": f"10.0.{number}.0/24"}
        document["access"]["nodes"].append(node)
        document["access"]["edges"].append(
            edge("ns/wiki", network, ["443/TCP"], "policy", "by-hand")
        )
    found = opened(document)
    assert found.boxes(2) == ["the world", "networks", "garage-s3", "database"]
    found.page.get_by_role("button", name="networks 20 of them").click()
    chosen = found.page.locator("#chosen").inner_text()
    assert "wiki may reach networks on 443/TCP, by policy by-hand" in chosen
    assert "10.0.19.0/24" in chosen


def test_what_is_not_certain_is_said_and_drawn_thin(opened: Open) -> None:
    document = small()
    perhaps = {"from": "lan", "to": "ns/wiki", "ports": [], "unknown": ["80/TCP"], "by": "policy"}
    document["access"]["edges"] = [
        *document["access"]["edges"],
        perhaps,
        {**perhaps, "from": "world", "unknown": ["*/SCTP", "*/TCP", "*/UDP"]},
        {**perhaps, "from": "world", "ports": ["443/TCP"]},
    ]
    found = opened(document, part="#ns/wiki")
    details = found.page.locator("#details")
    assert "perhaps 80/TCP, by policy" in details.inner_text()
    assert "perhaps every port, by policy" in details.inner_text()
    widths = details.locator("path").evaluate_all(
        "paths => paths.map((path) => Number(path.getAttribute('stroke-width')))"
    )
    assert len(set(widths)) == 2
    row = found.page.locator('[data-name="wiki"]').inner_text()
    assert "192.168.1.0/24 (perhaps)" in row
    assert "the world" in row
    assert "the world (perhaps)" not in row


def test_long_tables_begin_with_fifty_rows(opened: Open) -> None:
    found = opened(audit_document(120))
    assert len(found.rows()) == 50
    found.page.get_by_role("button", name="Show all 120 rows").click()
    assert len(found.rows()) == 120


def test_a_namespace_is_opened_and_walked_from_by_the_keyboard_alone(opened: Open) -> None:
    found = opened(small())
    keyboard, details = found.page.keyboard, found.page.locator("#details")
    keyboard.press("/")
    keyboard.type("standard")
    keyboard.press("Enter")
    details.get_by_role("heading", name="photos").wait_for()
    assert "5432/TCP, by grant postgres" in details.inner_text()
    assert "8080/TCP, by profile standard" in details.inner_text()
    details.get_by_role("button", name="database").focus()
    keyboard.press("Enter")
    details.get_by_role("heading", name="database").wait_for()
    keyboard.press("Escape")
    found.page.wait_for_url(found.address)
    assert details.is_hidden()
    assert found.page.evaluate("document.activeElement.id") == "search"


def test_an_address_leads_to_a_namespace(opened: Open) -> None:
    found = opened(small(), part="#ns/recipes")
    assert found.page.get_by_role("dialog", name="recipes").is_visible()
    found.page.get_by_role("button", name="Close").click()
    found.page.wait_for_url(found.address)


def test_what_can_be_focused_shows_it(opened: Open) -> None:
    found = opened(small())
    for _ in range(12):
        found.page.keyboard.press("Tab")
        outline = found.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


def test_many_callers_of_a_namespace_are_one_box_that_lists_them(opened: Open) -> None:
    document = small()
    for number in range(40):
        name = f"app-{number:02}"
        document["namespaces"].append(namespace(name, "enforced", "internal", ["postgres"]))
        document["access"]["edges"].append(
            edge(f"ns/{name}", "ns/database", ["5432/TCP"], "grant", "postgres")
        )
    found = opened(document, part="#ns/database")
    details = found.page.locator("#details")
    details.get_by_role("button", name="40 Namespaces").click()
    assert details.get_by_role("link", name="app-39").is_visible()


def test_colours_follow_the_system_until_chosen(opened: Open) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = opened(small(), colours="dark")
    was = dark.page.evaluate(paper)
    light = opened(small(), colours="light")
    assert light.page.evaluate(paper) != was
    light.page.get_by_role("button", name="Dark colours").click()
    assert light.page.evaluate(paper) == was
    light.page.get_by_role("button", name="Light colours").click()
    assert light.page.evaluate(paper) != was


def test_without_scripts_the_summary_the_findings_and_the_tables_are_there(opened: Open) -> None:
    found = opened(small(), script=False)
    for text in ("2 of 6 Namespaces are enforced", "The escape hatch is open", "system:masters"):
        assert found.page.get_by_text(text).is_visible()
    row = found.page.get_by_role("row").filter(has_text="photos")
    assert "external gateway" in row.first.inner_text()
    assert found.page.locator("#flow").is_hidden()
