import base64
import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tasks.domain.schemas import QuarantinedPhoto
from tasks.domain.score_schemas import GroupKind, GroupScores
from tasks.report import figures
from tasks.report.content import ReportContent
from tasks.report.page import report_page
from tests.report_cases import (
    BASELINE,
    CHAMPION,
    NAME,
    atlas_content,
    content,
    decision,
    manifest,
    worst_photos,
)

HOSTILE = "</style></script>\"'><script>alert(1)</script><img src=http://x onerror=alert(1)>{{ 7 * 7 }}"


class Page(HTMLParser):
    """What a reader gets: all text, all elements with their attributes, headers of rows by section."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: defaultdict[str, list[str]] = defaultdict(list)
        self._section, self._in_header = "", False
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag == "section":
            self._section = attributes["id"] or ""
        if tag == "small":
            self._in_header = False
        if tag == "th" and attributes["scope"] == "row":
            self._in_header = True
            self.rows[self._section].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "th":
            self._in_header = False

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "  # elements stand apart on the page
        if self._in_header:
            self.rows[self._section][-1] += data.strip()

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attributes[name] or "" for found, attributes in self.elements if found == tag]


def read(whole: ReportContent) -> Page:
    return Page(report_page(whole))


def groups_of(whole: ReportContent, kind: GroupKind) -> Sequence[GroupScores]:
    return [group for group in whole.analysis.groups if group.kind == kind]


def hostile_everywhere() -> ReportContent:
    """The tuned run's content with markup wherever a name, a key or a sentence comes from outside."""
    whole, decided = atlas_content(), decision()
    assert whole.fan
    outcomes = tuple(one.model_copy(update={"evidence": HOSTILE}) for one in decided.outcomes)
    board = whole.board.model_copy(
        update={"rows": tuple(row.model_copy(update={"name": HOSTILE}) for row in whole.board.rows)}
    )
    analysis = whole.analysis.model_copy(
        update={
            "groups": tuple(
                group if group.kind == "overall" else group.model_copy(update={"key": HOSTILE})
                for group in whole.analysis.groups
            ),
            "worse": tuple((HOSTILE, loss) for _, loss in whole.analysis.worse),
        }
    )
    return replace(
        whole,
        decision=decided.model_copy(update={"outcomes": outcomes}),
        analysis=analysis,
        board=board.model_copy(update={"champion": HOSTILE}),
        scored=whole.scored.model_copy(update={"request_id": HOSTILE, "csv_key": HOSTILE}),
        manifest=manifest().model_copy(update={"quarantined": (quarantined(HOSTILE),)}),
        photos=tuple(
            replace(photo, id=HOSTILE, listing=HOSTILE, route=HOSTILE, warp=HOSTILE) for photo in whole.photos
        ),
        fan=replace(
            whole.fan, atlas=HOSTILE, chosen=tuple(replace(one, name=HOSTILE) for one in whole.fan.chosen)
        ),
        agreement=tuple(
            replace(one, listing=HOSTILE, farthest=HOSTILE, routes=((HOSTILE, 1),)) for one in whole.agreement
        ),
        made_at=HOSTILE,
    )


def quarantined(text: str) -> QuarantinedPhoto:
    return QuarantinedPhoto(file_name=text, code="truncated", reason=text)


def test_texts_from_outside_make_no_markup() -> None:
    kinds = {"script", "style", "img", "iframe", "link", "object", "svg"}
    harmless = replace(
        atlas_content(), manifest=manifest().model_copy(update={"quarantined": (quarantined("a"),)})
    )
    hostile = read(hostile_everywhere())
    counts = [[tag for tag, _ in page.elements if tag in kinds] for page in (read(harmless), hostile)]
    assert counts[0] == counts[1]
    assert not [
        attributes for _, attributes in hostile.elements if any(key.startswith("on") for key in attributes)
    ]
    assert HOSTILE in hostile.text


def test_nothing_is_fetched_and_the_policy_forbids_it() -> None:
    page = report_page(content())
    seen = Page(page)
    links = [
        value or ""
        for _, attributes in seen.elements
        for key, value in attributes.items()
        if key in ("src", "srcset", "href", "action", "data", "poster")
    ]
    assert links
    assert [link for link in links if not link.startswith(("data:image/jpeg;base64,", "#"))] == []
    assert not re.search(rb"url\(|@import|https?:", page)
    policy = _policy(seen)
    assert policy["default-src"] == ["'none'"]
    assert policy["img-src"] == ["data:"]


def test_the_policy_lets_the_page_s_own_script_run_and_no_other() -> None:
    page = report_page(content())
    (script,) = re.findall(r"<script>(.*?)</script>", page.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert _policy(Page(page))["script-src"] == [f"'sha256-{digest}'"]


def _policy(page: Page) -> dict[str, list[str]]:
    (text,) = [attributes["content"] or "" for _, attributes in page.elements if "http-equiv" in attributes]
    return {words[0]: words[1:] for words in (part.split() for part in text.split(";"))}


def test_every_link_within_the_page_leads_somewhere() -> None:
    page = read(content())
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {link.removeprefix("#") for link in page.attributes("a", "href")} <= set(ids)


def test_every_check_is_told_and_the_failed_ones_come_first() -> None:
    page, outcomes = read(content()), decision().outcomes
    failed = [one for one in outcomes if not one.passed]
    assert len(failed) == 13
    assert all(one.evidence in page.text for one in outcomes)
    told = [f"{one.gate}{one.check.replace('_', ' ')}" for one in failed]
    assert page.rows["gates"][: len(failed)] == told
    assert len(page.rows["gates"]) == len(outcomes)


@pytest.mark.parametrize("kind", ["bucket", "route", "dimension"])
def test_every_group_is_shown_the_worst_first(kind: GroupKind) -> None:
    whole = content()
    by_mean = sorted(groups_of(whole, kind), key=lambda group: group.statistics.mean)
    assert len(by_mean) > 1
    assert read(whole).rows[kind] == [group.key for group in by_mean]


def test_the_worst_20_listings_are_shown() -> None:
    whole = content()
    shown = read(whole).rows["listing"]
    means = {group.key: group.statistics.mean for group in groups_of(whole, "listing")}
    assert len(shown) == 20
    assert max(means[key] for key in shown) <= min(mean for key, mean in means.items() if key not in shown)


def test_intervals_and_deltas_of_a_bucket_stand_beside_it() -> None:
    # moderate_crop: 10.879 against 29.872 of the champion, 27.9 % zeros against 10.3 %
    text = " ".join(read(content()).text.split())
    row = text[text.index("moderate_crop 68 photos") :]
    assert row.startswith("moderate_crop 68 photos 10.88 6.94 to 14.94 27.9 % \N{MINUS SIGN}18.99")
    assert "zeros +17.6 pp" in row[:120]


def test_a_bucket_that_a_gate_failed_is_marked() -> None:
    marked = re.findall(r'<tr class="failed">\s*<th scope="row">(\w+)', report_page(content()).decode())
    assert set(marked) == {"heavy_crop", "moderate_crop", "portrait_cropped"}


def test_each_photo_can_be_compared_by_name() -> None:
    page = read(content())
    ids = [photo.id for photo in worst_photos()]
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert [one["alt"] for one in images] == [
        f"{photo}, {state}" for photo in ids for state in ("corrected", "original")
    ]
    pictures = [base64.b64decode((one["src"] or "").partition(",")[2]) for one in images]
    assert pictures == [jpeg for photo in worst_photos() for jpeg in (photo.corrected, photo.original)]
    sliders = [attributes["aria-label"] or "" for _, attributes in page.elements if "max" in attributes]
    assert [label.partition(":")[0] for label in sliders] == ids


def test_history_names_this_run_the_champion_and_the_best_ever() -> None:
    rows = read(content()).rows["history"]
    assert [row for row in rows if "this run" in row] == [f"{NAME}this run"]
    assert [row for row in rows if "champion" in row] == [f"{CHAMPION}championbest ever"]


@pytest.mark.parametrize(("drift", "marked"), [(-0.125, False), (0.5, False), (0.625, True)])
def test_the_anchor_s_drift_is_told_and_marked_beyond_its_limit(drift: float, marked: bool) -> None:
    decided = decision()
    anchor = decided.evidence.anchor
    assert anchor
    moved = anchor.model_copy(update={"rescored_mean": anchor.recorded_mean + drift})
    evidence = decided.evidence.model_copy(update={"anchor": moved})
    page = report_page(content(decided.model_copy(update={"evidence": evidence}))).decode()
    (written,) = re.findall(r'<div><dt>drift</dt><dd class="(\w*)">([^<]*)</dd>', page)
    assert written == ("worse" if marked else "", f"{drift:+.4f}".replace("-", "\N{MINUS SIGN}"))


def test_a_report_before_the_decision_says_so() -> None:
    page = read(replace(content(), decision=None))
    assert "Not decided yet" in page.text
    assert "The gates have not been asked." in page.text
    assert page.rows["gates"] == []


def test_a_first_run_has_no_champion_and_needs_no_photos() -> None:
    page = read(content(decision(CHAMPION, None), photos=()))
    assert "Promoted" in page.text
    assert "No champion was scored again" in page.text
    assert "against the champion" not in page.text
    assert BASELINE in page.text
    assert [tag for tag, _ in page.elements if tag in ("img", "input")] == []


def test_a_run_with_an_atlas_shows_its_fan_and_links_to_it() -> None:
    whole = atlas_content()
    assert whole.fan
    page = read(whole)
    drawn = [attributes["class"] or "" for tag, attributes in page.elements if tag == "polyline"]
    assert drawn.count("group") == len(whole.fan.groups) == 20
    assert [kind for kind in drawn if kind.startswith("chosen")] == [
        f"chosen {curve.name}" for curve in reversed(whole.fan.chosen)
    ]
    assert page.rows["curves"] == [curve.name for curve in whole.fan.chosen]
    assert "#curves" in page.attributes("a", "href")


def test_each_expected_error_stands_beside_its_bound() -> None:
    whole = atlas_content()
    assert whole.fan
    page = report_page(whole).decode()
    assert page.count("0.75 px expected, 90 % bound 1.50 px</title>") == sum(
        curve.name == "atlas_snap" for curve in whole.fan.chosen
    )
    assert page.count('<td class="number">0.75</td><td class="number">1.50</td>') > 0
    bounds = re.findall(r'data-label="90 % bound, px">([^<]*)</td>', page)
    assert bounds == [figures.points(one.bound_px) for one in whole.agreement[:20]]
    assert all(float(bound) > 0.0 for bound in bounds)


def test_how_far_a_group_s_own_pairs_lie_is_no_bound_of_a_photo() -> None:
    whole = atlas_content()
    assert whole.fan
    first, *others = whole.fan.groups
    measured = replace(first, expected_px=0.29, bound_px=0.58)
    page = report_page(replace(whole, fan=replace(whole.fan, groups=(measured, *others)))).decode()
    title = f"{first.name}: {first.count} pairs, 0.29 px away on average, nine in ten within 0.58 px</title>"
    assert page.count(title) == 1


def test_a_run_without_an_atlas_has_no_fan() -> None:
    page = read(content())
    assert "curves" not in page.rows
    assert "#curves" not in page.attributes("a", "href")
    assert "Lens curves" not in page.text


def test_edges_lie_over_both_photos_and_can_be_hidden() -> None:
    page = read(content())
    overlays = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert [one["class"] for one in overlays] == ["lines corrected", "lines original"] * 3
    assert {one["viewbox"] for one in overlays} == {"0 0 320 214"}
    lines = [attributes for tag, attributes in page.elements if tag == "polyline"]
    assert len(lines) == 2 * sum(len(photo.lines) for photo in worst_photos()) > 0
    assert [attributes["id"] for _, attributes in page.elements if attributes.get("type") == "checkbox"] == [
        "lines"
    ]


def test_a_photo_without_edges_says_so() -> None:
    bare = tuple(replace(photo, lines=()) for photo in worst_photos())
    page = read(content(photos=bare))
    assert page.text.count("no long edges found") == len(bare)
    assert "polyline" not in [tag for tag, _ in page.elements]


def test_the_20_listings_that_agree_least_are_shown_the_worst_first() -> None:
    whole = content()
    assert read(whole).rows["agreement"] == [one.listing for one in whole.agreement[:20]]
    assert f"The worst 20 of {len(whole.agreement)}." in read(whole).text


def test_only_the_commonest_50_warps_are_listed() -> None:
    (use, _) = manifest().routes
    many = tuple(use.model_copy(update={"route": f"r{photos}", "photos": photos}) for photos in range(1, 61))
    page = read(content(manifest=manifest().model_copy(update={"routes": many})))
    assert page.rows["lineage"] == [f"r{photos}" for photos in range(60, 10, -1)]
    assert "all 60 are in the manifest" in page.text


def test_files_that_were_left_out_are_told_at_the_top() -> None:
    left_out = manifest().model_copy(
        update={"quarantined": (quarantined("kitchen.jpg"),), "submittable": False}
    )
    text = read(content(manifest=left_out)).text
    assert "1 of the folder's files were left out, and the zip was not to be submitted" in text
    assert text.index("kitchen.jpg") < text.index("Gates")


def test_equal_content_gives_equal_bytes() -> None:
    assert report_page(content()) == report_page(content())
