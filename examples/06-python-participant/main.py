"""A participant of grade G3 in Python with its standard library alone: pumps that release fuel.

participant.py keeps the rules; a machine of your own takes the place of `move`.

    PORT=8080 DATABASE=pumps.db python3 examples/06-python-participant/main.py
    npx signalbox conformance http://127.0.0.1:8080
"""
import datetime, json, os, re, signal, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from participant import Participant

CAPABILITIES = {"contract": 1, "grade": "G3", "replay": True, "fence": True, "status": True, "reverse": True,
                "retentionSeconds": 3024000}
CALL = re.compile(r"/v1/steps/([\w.~-]{1,128}:[\w.~-]{1,64})/(execute|status|reverse)", re.ASCII)
LITRES_MAX = 100


def move(work, doing):
    """Stands for the pump. It knows its keys: one that comes again after a restart does no harm."""
    if doing == "reverse":
        return {"outcome": "reversed"}
    if work["data"].get("litres", 0) > LITRES_MAX:
        return {"outcome": "refused", "reason": "more than a tank holds"}
    time.sleep(0.03)
    return {"outcome": "done", "evidence": {"receipt": work["key"]}}


participant = Participant(os.environ.get("DATABASE", "pumps.db"), move)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if status == 200 else "application/problem+json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.say(200, CAPABILITIES) if self.path == "/v1/capabilities" else self.say(404, {"title": "no such call"})

    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            key, kind = CALL.fullmatch(urllib.parse.unquote(self.path)).groups()
            work = {"key": key, "step": body["step"], "location": body["location"], "data": body.get("data", {})}
            slot, token = int(self.headers["signalbox-slot"]), int(self.headers["signalbox-token"])
            until = self.headers.get("signalbox-not-after")
            late = until and datetime.datetime.fromisoformat(until).timestamp() < time.time()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return self.say(400, {"title": repr(error)})
        self.say(200, participant.answer(kind, work, slot, token, late))


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # what is under way goes on at the next start
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Handler)
print(f"listening at {server.server_address}", flush=True)
server.serve_forever()
