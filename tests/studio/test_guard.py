"""Strangers stay out: each attack is tried."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from studio_samples import ADDRESS, HERE, cat, runtime

from trackmask.studio.clips import find
from trackmask.studio.events import Hub
from trackmask.studio.server import application

OURS = {"Origin": HERE}
CALL = "/api/clips"


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Nobody has used the link yet."""
    monkeypatch.chdir(tmp_path)
    with TestClient(application(find(cat(tmp_path)), runtime, ADDRESS, Hub()), base_url=HERE) as client:
        yield client


@pytest.fixture
def friend(stranger: TestClient) -> TestClient:
    stranger.get("/", params={"token": ADDRESS.token})
    return stranger


def refused(answer, status=403):
    assert answer.status_code == status
    text = answer.headers["content-type"].startswith("text/plain")  # to people who open / themselves
    sentence = answer.text if text else answer.json()["error"]
    assert sentence.endswith(".")
    assert "access-control-allow-origin" not in answer.headers
    return sentence


def test_without_the_link_nothing_is_shown(stranger):
    for way in (
        "/",
        "/page/index.html",
        CALL,
        "/api/events",
        "/?token=",
        "/?token=wrong",
        "/api/clips?token=" + ADDRESS.token,
    ):
        assert "link" in refused(stranger.get(way))
    refused(stranger.post(CALL + "/x/click", json={}, headers=OURS))


def test_the_link_is_good_once_and_leaves_a_strict_cookie(stranger):
    answer = stranger.get("/", params={"token": ADDRESS.token}, follow_redirects=False)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert ADDRESS.token not in cookie
    assert stranger.get(CALL).status_code == 200
    stranger.cookies.clear()
    refused(stranger.get("/", params={"token": ADDRESS.token}))


def test_a_made_up_cookie_opens_nothing(stranger):
    for value in ("", "x", ADDRESS.token, "a" * 5000):
        refused(stranger.get(CALL, headers={"Cookie": f"trackmask-8731={value}"}))


def test_cookies_of_other_servers_on_this_machine_are_in_nobodys_way(friend):
    """A browser sends them all: cookies do not tell ports apart, and not all are what a standard says."""
    name, value = "trackmask-8731", friend.cookies["trackmask-8731"]
    friend.cookies.clear()
    for others in ('prefs={"a":1,"b":"x y"}', 'a[]=b"', "=", ";;", "broken", "ü=ß", f"{name}=another"):
        for line in (f"{others}; {name}={value}", f"{name}={value};{others}"):
            assert friend.get(CALL, headers={"Cookie": line.encode()}).status_code == 200
        refused(friend.get(CALL, headers={"Cookie": others.encode()}))


def test_a_name_that_leads_here_is_not_ours(friend):
    """DNS rebinding: a stranger's name is made to lead to this machine."""
    for host in (
        "evil.example",
        "evil.example:8731",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil.example:8731",
        "",
        "[::1",
    ):
        refused(friend.get(CALL, headers={"Host": host}))
    for host in ("127.0.0.1:8731", "localhost:8731", "[::1]:8731"):
        assert friend.get(CALL, headers={"Host": host}).status_code == 200


def test_another_page_in_the_same_browser_gets_nothing(friend):
    for origin in ("https://evil.example", "http://127.0.0.1:9999", "http://localhost:8731", "null", ""):
        refused(friend.get(CALL, headers={"Origin": origin}))
        refused(friend.post(CALL + "/x/click", json={}, headers={"Origin": origin}))
    refused(friend.post(CALL + "/x/click", json={}))
    for site in ("cross-site", "same-site"):
        refused(friend.get(CALL, headers={"Sec-Fetch-Site": site}))
    answer = friend.options(CALL, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
    refused(answer)


def test_what_is_shown_runs_nothing_foreign(friend):
    answer = friend.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_no_path_of_the_client_is_opened(friend):
    for way in (
        "/page/../server.py", "/page/..%2fserver.py", "/page/%2e%2e/server.py", "/page//etc/passwd",
        "/page/index.html%00",
        "/api/clips/..%2f..%2fetc%2fpasswd", "/api/clips/%2fetc%2fpasswd/frames/0", "/api/clips/cat.mp4/frames/0",
        "/api/clips/x/thumbnail", "/api/downloads/..%2fcat.mp4",
    ):  # fmt: skip
        refused(friend.get(way), 404)
    refused(friend.put("/", headers=OURS), 405)
    refused(friend.get("/api/clips/x/frames/" + "9" * 5000), 414)


def test_bodies_are_bounded_and_must_say_what_they_are(friend):
    way = f"{CALL}/{friend.get(CALL).json()['clips'][0]['id']}"
    large = b'{"points":[' + b"[1,1]," * 500_000 + b"[1,1]]}"
    json_ = OURS | {"Content-Type": "application/json"}
    refused(friend.post(way + "/stroke", content=large, headers=json_), 413)
    pieces = (large[i : i + 65536] for i in range(0, len(large), 65536))
    refused(friend.post(way + "/stroke", content=pieces, headers=json_), 413)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        refused(friend.post(way + "/clear", content=b"{}", headers=OURS | {"Content-Type": kind}), 400)
    for body in (b"{", b"\xff", b"[" * 100_000, b"[]", b"7", b'{"object":1e999}', b'{"frame":-1,"x":1,"y":1}'):
        refused(friend.post(way + "/click", content=body, headers=json_), 400)


def test_the_protocol_lists_every_call(friend):
    """docs/studio-protocol.md, for those who write another page."""
    page = (Path(__file__).parent.parent.parent / "docs" / "studio-protocol.md").read_text(encoding="utf-8")
    routes = [route.path for route in friend.app._app.routes]
    assert len(routes) > 25
    for way in routes:
        told = way.replace("{clip}", "ID").replace("{frame:int}", "N").replace("/page/{name}", "/page/NAME")
        told = told.replace("/downloads/{name}", "/downloads/NAME")
        assert re.search(rf"[` ]{re.escape(told)}[`?]", page) or told == "/", told
