"""aiokafka as the article has it: a Semaphore(1) for each location in a dict, a task for each message, auto commit."""
import asyncio
import json
import os
import sys
from collections import defaultdict

from aiokafka import AIOKafkaConsumer
from tracker import Tracker

CONNECTIONS = 10
TABLE = """CREATE TABLE tx (id bigint PRIMARY KEY, location text NOT NULL, state text NOT NULL, amount bigint,
  started timestamptz DEFAULT now(), finished timestamptz)"""
BEGIN = "INSERT INTO tx (id, location, state, amount) VALUES ($1, $2, 'begun', $3)"
FINISH = "UPDATE tx SET state = 'done', finished = now() WHERE id = $1"


async def main(job):
    tracker = Tracker(job)
    seconds = job["handlerMs"] / 1000
    pool = None
    if job["work"] == "W6":
        import asyncpg

        pool = await asyncpg.create_pool(job["postgresUrl"], min_size=CONNECTIONS, max_size=CONNECTIONS)
        await pool.execute(TABLE)
    session = {} if job["sessionTimeoutMs"] is None else {"session_timeout_ms": job["sessionTimeoutMs"]}
    consumer = AIOKafkaConsumer(
        job["topic"], bootstrap_servers=job["broker"], group_id=job["group"], auto_offset_reset="earliest",
        enable_auto_commit=True, **session)
    await consumer.start()
    semaphores = defaultdict(lambda: asyncio.Semaphore(1))
    tasks = set()

    async def handle(message):
        async with semaphores[message.key]:
            fields = json.loads(message.value)["data"]
            tracker.start(fields)
            if fields["location"] == job["stuckLocation"]:
                await asyncio.Event().wait()
            elif seconds > 0:
                await asyncio.sleep(seconds)
            elif pool is not None:
                await pool.execute(BEGIN, fields["number"], fields["location"], fields["amount"])
                await pool.execute(FINISH, fields["number"])
            tracker.end(fields)

    async def consume():
        async for message in consumer:
            task = asyncio.create_task(handle(message))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    consuming = asyncio.create_task(consume())
    try:
        await asyncio.wait_for(tracker.all.wait(), job["timeoutMs"] / 1000)
    except asyncio.TimeoutError:
        pass
    tracker.report()
    await asyncio.sleep(job["lingerMs"] / 1000)
    consuming.cancel()
    if job["stuckLocation"] is None:
        try:
            await asyncio.wait_for(consumer.stop(), 12)
        except Exception:
            pass  # The measurement is over.
    os._exit(0)


asyncio.run(main(json.loads(sys.argv[1])))
