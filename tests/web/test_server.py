# SPDX-License-Identifier: GPL-3.0-or-later
"""The server as programs see it: routes, refusals, bounds; nothing that is sent to it stops it."""

import asyncio
import json
import socket
import urllib.error
import urllib.request

import aiohttp
import numpy as np
import pytest
from clips import read_frames
from gnuradio.resivid.errors import ResividError, SettingsError
from gnuradio.resivid.link.statistics import Statistics, document_keys
from gnuradio.resivid.web import pictures
from gnuradio.resivid.web import server as server_module
from gnuradio.resivid.web.monitor import Monitor
from gnuradio.resivid.web.pictures import HEADER, to_message
from gnuradio.resivid.web.recorder import Recorder
from gnuradio.resivid.web.routes import MAX_VIEWERS
from gnuradio.resivid.web.server import MAX_CONNECTIONS, WebServer
from toy import moving_picture

FRAMES = moving_picture(4)


@pytest.fixture
def server(tmp_path):
    monitor = Monitor("test", document=lambda: Statistics(frames=4), recorder=Recorder(tmp_path, 10))
    with WebServer(monitor, "127.0.0.1", 0) as server:
        yield server


def get(server, path, data=None, **headers):
    """Status, headers and body of a request."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def raw(server, data):
    """What the server answers to bytes that need not be HTTP."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
    return answer


def lives(server):
    return get(server, "/stats")[0] == 200


def test_every_route_answers_with_its_type_and_the_security_headers(server):
    server.monitor.pictures(3, FRAMES[0])
    for path, kind in (
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/charts.js", "text/javascript"),
        ("/stats", "application/json"),
        ("/metrics", "text/plain"),
        ("/snapshot.png", "image/png"),
    ):
        status, headers, body = get(server, path)
        assert (status, headers.get_content_type()) == (200, kind) and body
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert b"http://" not in get(server, "/")[2] and b"https://" not in get(server, "/")[2]


def test_stats_is_the_statistics_document(server):
    document = json.loads(get(server, "/stats")[2])
    assert list(document) == document_keys() and document["frames"] == 4


def test_a_snapshot_is_the_picture_to_the_bit(server):
    import cv2

    assert get(server, "/snapshot.png")[0] == 404
    server.monitor.pictures(7, FRAMES[1])
    status, headers, body = get(server, "/snapshot.png")
    assert "frame-000007-" in headers["Content-Disposition"]
    assert (cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1] == FRAMES[1]).all()


def test_messages_hold_both_pictures_and_no_large_ones():
    import cv2

    wide = np.zeros((300, 3000, 3), np.uint8)
    assert max(pictures.bounded(wide).shape) == pictures.MAX_SIDE
    monitor = Monitor("test", simulated=True)
    monitor.pictures(9, FRAMES[0], FRAMES[1])
    message = to_message(monitor.latest_pictures())
    frame, length = HEADER.unpack_from(message)
    received, original = message[HEADER.size : HEADER.size + length], message[HEADER.size + length :]
    assert frame == 9
    for jpeg, picture in ((received, FRAMES[0]), (original, FRAMES[1])):
        shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1].astype(int)
        assert np.abs(shown - picture).mean() < 6


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
    ],
)
def test_other_names_and_other_sites_are_refused_everywhere(server, headers, status):
    for path in ("/", "/stats", "/live", "/page.js"):
        assert get(server, path, **headers)[0] == status
    assert get(server, "/recording", b'{"on": true}', **headers)[0] == status
    assert not server.monitor.recorder.state()["on"]


def test_beyond_this_machine_a_token_is_needed():
    with WebServer(Monitor("test"), "0.0.0.0", 0) as server:
        assert len(server.token) >= 20 and server.url.endswith(f"/?token={server.token}")
        for path in ("/", "/stats", "/metrics", "/live", "/snapshot.png"):
            assert get(server, path)[0] == 401
            assert get(server, f"{path}?token=wrong-token-wrong")[0] == 401
        assert get(server, "/recording", b"{}")[0] == 401
        assert get(server, f"/stats?token={server.token}")[0] == 200
        assert get(server, "/stats", Authorization=f"Bearer {server.token}")[0] == 200
        status, headers, _ = get(server, "/stats", Cookie=f"resivid-{server.port}={server.token}")
        assert status == 200
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"GET /?token={server.token} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            answer = connection.recv(4096).decode()
        assert answer.startswith("HTTP/1.1 303") and "HttpOnly" in answer and "SameSite=Strict" in answer


def test_a_port_in_use_is_one_line(server):
    other = f"--web: cannot listen on 127.0.0.1:{server.port}: .*--web 127.0.0.1:(?!{server.port})"
    with pytest.raises(ResividError, match=other):
        WebServer(Monitor("test"), "127.0.0.1", server.port).start()
    with pytest.raises(ResividError, match="--web: cannot listen on 192.0.2.1:"):
        WebServer(Monitor("test"), "192.0.2.1", 0).start()
    with pytest.raises(SettingsError, match="the token must be"):
        WebServer(Monitor("test"), token="1234")


def test_the_button_records_a_file_that_can_be_fetched(server, tmp_path):
    assert get(server, "/recording", b'{"on": true}')[0] == 200
    for index, frame in enumerate(FRAMES):
        server.monitor.pictures(index, frame)
    assert get(server, "/recording", b'{"on": false}')[0] == 200
    server.monitor.recorder.stop(wait=True)
    (name,) = server.monitor.recorder.state()["files"]
    (tmp_path / "fetched.mp4").write_bytes(get(server, f"/recordings/{name}")[2])
    assert len(read_frames(tmp_path / "fetched.mp4")) == len(FRAMES)
    for other in ("x.mp4", "..%2f..%2fetc%2fpasswd", "%00", "."):
        assert get(server, f"/recordings/{other}")[0] in (400, 404)


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b'{"on": 1}', b"\xff\xfe", b"[" * 900, b"x" * 100_000])
def test_nonsense_does_not_start_a_recording(server, body):
    assert get(server, "/recording", body)[0] in (400, 413)
    assert not server.monitor.recorder.state()["on"] and lives(server)


NONSENSE = [
    b"",
    b"\x00" * 2000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,  # TLS where none is spoken
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"BREW /coffee HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    b"POST /recording HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /recording HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nx",
    b"POST /recording HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /%ff%fe/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
]


def test_nonsense_is_refused_and_the_server_lives(server):
    generator = np.random.default_rng(8)
    random = [generator.bytes(int(length)) for length in generator.integers(1, 3000, 40)]
    for data in [*NONSENSE, *random]:
        answer = raw(server, data)
        assert b"200 OK" not in answer.partition(b"\r\n")[0] and b"Traceback" not in answer
    assert lives(server)


def test_connections_are_bounded_and_silent_ones_are_closed(server, monkeypatch):
    monkeypatch.setattr(server_module, "FIRST_REQUEST_S", 1.0)
    silent = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(MAX_CONNECTIONS + 20)]
    try:
        for connection in silent:
            assert connection.recv(1) == b""  # closed by the server
    finally:
        for connection in silent:
            connection.close()
    assert server.num_refused >= MAX_CONNECTIONS + 20 and lives(server)


async def open_live(session, server, **options):
    return await session.ws_connect(f"http://127.0.0.1:{server.port}/live", max_msg_size=0, **options)


def test_a_viewer_gets_the_latest_picture_and_only_when_it_is_ready(server):
    async def watch():
        async with aiohttp.ClientSession() as session, await open_live(session, server) as viewer:
            first = json.loads((await viewer.receive()).data)
            server.monitor.pictures(0, FRAMES[0])
            assert HEADER.unpack_from((await viewer.receive()).data)[0] == 0
            for index in range(1, 500):  # two are unanswered: nothing more comes
                server.monitor.pictures(index, FRAMES[index % 4])
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await viewer.receive()
            frames = []
            while not frames:
                await viewer.send_str("ok")
                message = await viewer.receive()
                if message.type == aiohttp.WSMsgType.BINARY:
                    frames.append(HEADER.unpack_from(message.data)[0])
            return first, frames

    first, frames = asyncio.run(watch())
    assert first["title"] == "test" and first["phase"] == "waiting"
    assert list(first["statistics"]) == document_keys()
    assert frames == [499] and server.counters()["frames_dropped_total"] == 498


@pytest.mark.parametrize("sent", ["nonsense", "x" * 10_000, b"\x00" * 50, "ok"])
def test_a_viewer_that_floods_is_closed(server, sent):
    async def flood():
        async with aiohttp.ClientSession() as session, await open_live(session, server) as viewer:
            send = viewer.send_bytes if isinstance(sent, bytes) else viewer.send_str
            with pytest.raises((ConnectionError, TimeoutError, aiohttp.ClientError)):
                for _ in range(2000):
                    await send(sent)
                    if viewer.closed:
                        raise ConnectionError
                    await asyncio.sleep(0)
                while not viewer.closed:
                    async with asyncio.timeout(10):
                        await viewer.receive()
                raise ConnectionError

    asyncio.run(flood())
    assert lives(server)


def test_viewers_are_bounded(server):
    async def crowd():
        async with aiohttp.ClientSession() as session:
            viewers = [await open_live(session, server) for _ in range(MAX_VIEWERS)]
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await open_live(session, server)
            count = server.counters()["viewers"]
            for viewer in viewers:
                await viewer.close()
            return refused.value.status, count

    assert asyncio.run(crowd()) == (503, MAX_VIEWERS)


def test_the_last_state_says_that_the_stream_has_ended():
    async def watch(server):
        async with aiohttp.ClientSession() as session, await open_live(session, server) as viewer:
            await viewer.receive()
            await viewer.send_str("ok")
            server.monitor.end()
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            phases = []
            async for message in viewer:
                if message.type == aiohttp.WSMsgType.TEXT:
                    phases.append(json.loads(message.data)["phase"])
                await viewer.send_str("ok")
            await stopping
            return phases, viewer.close_code

    server = WebServer(Monitor("test"), port=0)
    server.start()
    phases, code = asyncio.run(watch(server))
    assert phases[-1] == "ended" and code == 1001
    server.stop()  # twice does no harm
