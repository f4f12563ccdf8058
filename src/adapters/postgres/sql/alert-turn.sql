-- The turn to look at the fleet, for one worker. $1 topic, $2 not sooner than this many ms after the last. Plan: primary key.
insert into signalbox.alert_turns (topic, turn, at) values ($1, 1, now())
  on conflict (topic) do update set turn = alert_turns.turn + 1, at = now()
    where alert_turns.at <= now() - $2::bigint * interval '1 millisecond'
  returning turn
