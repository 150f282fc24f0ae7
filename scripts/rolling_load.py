"""What a deployment does all day, until it is told to end: how much of each, and what failed, goes into a file."""

import collections
import hashlib
import hmac
import http.client
import itertools
import json
import signal
import sys
import threading
import time

front, secret, told = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3]
ended = threading.Event()
lock = threading.Lock()
done, failed, slowest = collections.Counter(), [], collections.defaultdict(float)
numbers = itertools.count()


def ask(kind, method, path, body=None, headers=()):
    """One request on a connection of its own. Whatever is not answered with 2xx has failed."""
    begun = time.monotonic()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", front, timeout=30)
        sent = None if body is None else json.dumps(body) if not isinstance(body, bytes) else body
        connection.request(method, path, sent, {"content-type": "application/json", **dict(headers)})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        wrong = None if 200 <= answer.status < 300 else f"{answer.status} {text[:200]!r}"
    except OSError as error:
        text, wrong = b"", repr(error)
    with lock:
        done[kind] += 1
        slowest[kind] = max(slowest[kind], time.monotonic() - begun)
        if wrong:
            failed.append(f"{kind}: {method} {path}: {wrong}")
    return json.loads(text) if text and not wrong else None


def webhook(n):
    data = {"meetingId": "1", "roomName": "/reflector-elsewhere", "roleName": "visitor", "participantId": f"p{n}"}
    now = time.time()
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    body = {"id": f"d{n}", "apiVersion": "1.0", "createdAt": at, "type": "room.client.joined", "data": data}
    body = json.dumps(body).encode()
    mark = hmac.new(secret, f"{int(now)}.".encode() + body, hashlib.sha256).hexdigest()
    ask("webhook", "POST", "/whereby", body, [("whereby-signature", f"t={int(now)},v1={mark}")])


def again(work):
    while not ended.is_set():
        work(next(numbers))
        time.sleep(0.01)


signal.signal(signal.SIGTERM, lambda *_: ended.set())
rooms = [f"rolling-{n}" for n in range(8)]
meetings = {}
for room in rooms:
    ask("make", "POST", "/v1/rooms", {"name": room})
    meetings[room] = ask("open", "POST", f"/v1/rooms/{room}/meeting", {})["id"]


def of(n):
    room = rooms[n % len(rooms)]
    return room, meetings[room]


work = [
    lambda n: ask("read", "GET", f"/v1/meetings/{of(n)[1]}"),
    lambda n: ask("list", "GET", f"/v1/rooms/{of(n)[0]}/meetings/active"),
    lambda n: ask("join", "POST", f"/v1/rooms/{of(n)[0]}/meetings/{of(n)[1]}/join", {}),
    lambda n: ask("open", "POST", f"/v1/rooms/{of(n)[0]}/meeting", {}),
    lambda n: ask("make", "POST", "/v1/rooms", {"name": f"made-{n}"}),
    webhook,
    webhook,
]
threads = [threading.Thread(target=again, args=(each,)) for each in work]
for thread in threads:
    thread.start()
ended.wait()
for thread in threads:
    thread.join()
with open(told, "w") as out:
    for kind, many in sorted(done.items()):
        print(f"{kind:<8} {many:>6} requests, the slowest in {slowest[kind]:.2f} s", file=out)
    print(f"{sum(done.values())} requests, {len(failed)} failed", file=out)
    for line in failed[:20]:
        print(line, file=out)
sys.exit(1 if failed else 0)
