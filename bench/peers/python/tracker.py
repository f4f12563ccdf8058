"""The bookkeeping of tracker.ts, in the same steps."""
import asyncio
import json
import os
import re
import resource
import time

LOCATIONS_MAX = 10_000


class Tracker:
    def __init__(self, job):
        self.job = job
        self.all = asyncio.Event()
        self.running = [0] * LOCATIONS_MAX
        self.last = [-1] * LOCATIONS_MAX
        self.ended = bytearray(job["records"])
        self.latency_micros = [0.0] * job["records"]
        self.log = None
        if job["doneLog"] is not None:
            self.log = os.open(job["doneLog"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.done = self.doubled = self.out_of_order = self.overlapping = self.in_flight = self.in_flight_max = 0
        self.first = self.latest = 0.0

    def start(self, fields):
        if self.first == 0:
            self.first = time.perf_counter()
        place, sequence = int(fields["location"][1:]), fields["sequence"]
        self.running[place] += 1
        if self.running[place] > 1:
            self.overlapping += 1
        before = self.last[place]
        self.last[place] = sequence
        if sequence != before + 1:
            if sequence <= before and self.ended[fields["number"]]:
                self.doubled += 1
            else:
                self.out_of_order += 1
        self.in_flight += 1
        if self.in_flight > self.in_flight_max:
            self.in_flight_max = self.in_flight

    def end(self, fields):
        number, place = fields["number"], int(fields["location"][1:])
        if self.log is not None:
            os.write(self.log, b"%d %d %d\n" % (number, place, fields["sequence"]))
        self.running[place] -= 1
        self.in_flight -= 1
        self.latency_micros[number] = time.time() * 1e6 - fields["ts"]
        if self.ended[number]:
            return
        self.ended[number] = 1
        self.latest = time.perf_counter()
        self.done += 1
        if self.done == self.job["expected"]:
            self.all.set()

    def report(self):
        counted = sorted(self.latency_micros[n] for n in range(self.job["warmUp"], self.job["records"]) if self.ended[n])

        def at(share):
            return round(counted[min(len(counted) - 1, int(len(counted) * share))] / 1000, 2) if counted else 0

        usage = resource.getrusage(resource.RUSAGE_SELF)
        seconds = self.latest - self.first
        with open("/proc/self/status") as status:
            rss = int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) // 1024
        print("RESULT " + json.dumps({
            "done": self.done, "complete": self.done >= self.job["expected"], "ms": round(seconds * 1000, 2),
            "perSecond": round(self.done / seconds, 2) if seconds else 0,
            "cpuSeconds": round(usage.ru_utime + usage.ru_stime, 2), "rssMb": rss, "doubled": self.doubled,
            "outOfOrder": self.out_of_order, "overlapping": self.overlapping, "inFlightMax": self.in_flight_max,
            "p50Ms": at(0.5), "p99Ms": at(0.99), "maxMs": at(1)}), flush=True)
